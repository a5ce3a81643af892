"""A small table for tests of data: 12 rows, two classes of six, numbers and words, nothing missing."""

PEOPLE = "age,town,income\n" + "".join(
    f"{20 + row * 3},{('Rome', 'Oslo', 'Bern')[row % 3]},{('low', 'high')[row % 2]}\n" for row in range(12)
)
