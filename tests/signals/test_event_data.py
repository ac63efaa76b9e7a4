"""What a registered model's data may look like: names, versions, tags."""

import base64
import json
from typing import Any

import pytest

from orchestrator.signals.delivery import Ours
from tests.signals.making import DATA, WITHOUT, a_cloud_event, an_event, item_of, reason_of, registered


class TestData:
    def test_may_be_a_text_that_holds_json(self) -> None:
        assert registered(an_event(json.dumps(DATA))) == registered(an_event())

    def test_may_be_base64(self) -> None:
        packed = base64.b64encode(json.dumps(DATA).encode()).decode()
        assert registered(a_cloud_event(data=WITHOUT, data_base64=packed)) == registered(a_cloud_event())

    @pytest.mark.parametrize("data", ["not json", "[1]", "7", '{"a": NaN}', "[" * 100_000, "", 8, [1], True])
    def test_that_is_no_object_is_broken(self, data: object) -> None:
        assert reason_of(an_event(data)).startswith("data must be an object")

    @pytest.mark.parametrize("packed", ["***", "e3*0=", "é", 7, base64.b64encode(b"\xff").decode()])
    def test_in_base64_that_is_no_object_is_broken(self, packed: object) -> None:
        reason = reason_of(a_cloud_event(data=WITHOUT, data_base64=packed, subject="models/a:1"))
        assert reason.startswith(("data_base64 is not base64", "data_base64 must be text", "data must be an object"))

    @pytest.mark.parametrize("data", [WITHOUT, {}, "null"])
    def test_may_be_missing_where_the_subject_says_it(self, data: object) -> None:
        signal = registered(a_cloud_event(data=data, subject="models/team:diabetes/clf:07"))
        assert (signal.model, signal.version) == ("team:diabetes/clf", "07")

    def test_wins_over_the_subject(self) -> None:
        assert registered(an_event(subject="models/other:9")).model == "diabetes-clf"

    def test_is_completed_from_a_subject_that_agrees(self) -> None:
        subject = "models/diabetes-clf:7"
        assert registered(an_event({"modelName": "diabetes-clf"}, subject=subject)).version == "7"
        assert registered(an_event({"modelVersion": 7}, subject=subject)).model == "diabetes-clf"

    @pytest.mark.parametrize("data", [{"modelName": "other"}, {"modelVersion": "8"}])
    def test_is_not_completed_from_a_subject_about_another_model(self, data: object) -> None:
        assert "models/diabetes-clf:7" in reason_of(an_event(data, subject="models/diabetes-clf:7"))

    @pytest.mark.parametrize("subject", ["", "models/diabetes-clf", "diabetes-clf:7"])
    def test_without_a_model_anywhere_is_broken_and_says_what_is_needed(self, subject: str) -> None:
        reason = reason_of(an_event({}, subject=subject))
        assert "data.modelName" in reason
        assert "models/NAME:VERSION" in reason


class TestAModelsNameAndVersion:
    @pytest.mark.parametrize(
        "name", ["a/b", "a#b?c=d", 'it\'s "quoted"', "模型 ü 🙂", "n" * 300, "n" * 1_024, "<b>", "a:b"]
    )
    def test_may_be_anything_that_can_be_printed(self, name: str) -> None:
        signal = registered(an_event({"modelName": name, "modelVersion": name}))
        assert (signal.model, signal.version) == (name, name)

    @pytest.mark.parametrize(
        ("sent", "text"), [(20, "20"), (0, "0"), ("007", "007"), (2**70, str(2**70)), ("2026.1-rc", "2026.1-rc")]
    )
    def test_numbers_become_text_and_texts_stay(self, sent: object, text: str) -> None:
        assert registered(an_event(DATA | {"modelVersion": sent})).version == text

    @pytest.mark.parametrize(
        ("sent", "shown"), [(True, "true"), (1.5, "1.5"), (None, "null"), ({}, "an object"), ([7], "a list")]
    )
    def test_of_another_kind_is_broken_and_says_what_was_seen(self, sent: object, shown: str) -> None:
        reason = reason_of(an_event(DATA | {"modelVersion": sent}))
        assert reason == f"data.modelVersion must be text or a whole number; it is {shown}"

    @pytest.mark.parametrize("field", ["modelName", "modelVersion"])
    @pytest.mark.parametrize("value", ["", "   ", "a\nb", "a\x7f", "\x85", "\ud83d", "x" * 1_025])
    def test_blank_too_long_or_with_control_characters_is_broken(self, field: str, value: str) -> None:
        assert reason_of(an_event(DATA | {field: value})).startswith(f"data.{field} ")

    def test_a_control_character_is_named_and_never_repeated(self) -> None:
        reason = reason_of(an_event(DATA | {"modelName": "a\x1b[31mb"}))
        assert "U+001B at character 2" in reason
        assert reason.isprintable()


class TestTagsAndProperties:
    def test_become_texts(self) -> None:
        tags = {"t": "x", "yes": True, "no": False, "n": 3, "f": 0.5, "none": None, "list": [1, {"a": "ü"}], "": ""}
        assert registered(an_event(DATA | {"modelTags": tags})).tags == {
            "t": "x", "yes": "true", "no": "false", "n": "3", "f": "0.5", "list": '[1,{"a":"ü"}]', "": "",
        }  # fmt: skip

    @pytest.mark.parametrize("sent", [{}, {"modelTags": None}, {"modelTags": {}}])
    def test_may_be_missing(self, sent: dict[str, object]) -> None:
        assert registered(an_event(DATA | sent)).tags == {}

    @pytest.mark.parametrize("sent", ["text", 7, [1], True])
    def test_of_another_kind_are_broken(self, sent: object) -> None:
        assert reason_of(an_event(DATA | {"modelProperties": sent})).startswith(
            "data.modelProperties must be an object"
        )

    def test_half_an_emoji_does_not_cost_the_signal(self) -> None:
        event = an_event(DATA | {"modelTags": {"note": "fine \ud83d"}})
        assert registered(event).tags == {"note": "fine \N{REPLACEMENT CHARACTER}"}
        item = item_of(event)
        assert isinstance(item, Ours)
        assert item.raw.isascii()
        assert json.loads(item.raw) == event

    def test_cannot_be_changed(self) -> None:
        tags: Any = registered(an_event(DATA | {"modelTags": {"a": "b"}})).tags
        with pytest.raises(TypeError):
            tags["a"] = "c"
