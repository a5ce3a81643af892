"""Projects on real small data, made once."""

import pytest
from bundled import TASKS, Project


@pytest.fixture(scope="session")
def projects(tmp_path_factory):
    made: dict[str, Project] = {}

    def get(task: str) -> Project:
        if task not in made:
            made[task] = Project(task, tmp_path_factory.mktemp(task))
        return made[task]

    return get


@pytest.fixture(params=TASKS)
def project(request, projects) -> Project:
    return projects(request.param)
