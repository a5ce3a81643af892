"""prepare: raw data in; cleaned, split and scaled arrays, a schema and a report out."""

from nnops.data.prepare import data_fingerprint, prepare, source_files
from nnops.files import read_json, write_json
from nnops.listed import check_listed
from nnops.pipeline.job import Job, execute

#: At most so many notes are printed; all of them stand in the report.
NOTES = 5


def main(job: Job) -> None:
    """Prepare the data that ``params.data`` names."""
    check_listed(source_files(job.params, job.root), job.root, "prepare", job.params.record())
    data = prepare(job.params, job.out, job.root)
    job.remember_seconds(data.hash)
    # A sweep looks here whether these are the data that its params stand for.
    note = {"fingerprint": data_fingerprint(job.params, job.root), "hash": data.hash}
    write_json(job.private / "prepared.json", note)
    rows = ", ".join(f"{data.rows(split)} {split}" for split in ("train", "val", "test"))
    for note in read_json(job.out / "report.json")["notes"][:NOTES]:
        print(f"prepare: note: {note}")
    print(f"prepare: {data.schema['task']}, {rows} rows -> {job.out}")


if __name__ == "__main__":
    raise SystemExit(execute("prepare", main))
