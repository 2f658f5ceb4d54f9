"""The page's API types are those of the API as it is."""

from scripts import api_types


def test_the_page_s_types_are_made_from_this_api() -> None:
    with api_types.TYPES.open(encoding="utf-8") as file:
        made_from = file.readline()
    assert made_from == api_types.first_line(api_types.schema()), (
        "webui/src/api/schema.d.ts is of another API: run `python -m scripts.api_types` "
        "(it needs webui/node_modules) and commit the file with the change"
    )
