"""A digest: what waits for it, what it lists, and that nothing is lost or listed twice between one and the next."""

from datetime import timedelta
from itertools import groupby

import pytest
from eventkernel.messages import Metadata
from eventkernel.reaction import Later
from eventkernel.testing.scenario import NOON, assert_folds_in_pieces, given
from eventkernel.timestamps import timestamp
from google.protobuf.message import Message
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st
from mentoring.notifications.v1.digests_events_pb2 import (
    DigestBegun,
    DigestClosed,
    DigestListed,
    GatheredNotice,
    NoticeGathered,
)
from mentoring.notifications.v1.digests_pb2 import AddToDigestRequest, CloseDigestRequest, SendDigestRequest
from mentoring.notifications.v1.events_pb2 import Because, Detail, Occasion
from notifications.contents import content_of
from notifications.domain.digest import Digest, digest
from notifications.domain.occasions import TOLD_TO_A_CIRCLE, is_safeguarding
from notifications.domain.provider_details import ProviderDetails
from notifications.forms import as_brief, as_html, as_text
from notifications.messages import compose
from notifications.projections.notices import notices
from notifications.reactions.digesting import digesting
from notifications.texts import words_in

from .rendering import AT, LINKS, MIA, Told, all_told, body
from .test_forms import Page, marks, may_show

DIGEST = Told(Occasion.OCCASION_DIGEST, Because.BECAUSE_CHOSE_A_DIGEST, Detail.DETAIL_FULL, "en")


def gathered(notice_id: str = "n-1") -> GatheredNotice:
    return GatheredNotice(
        notice_id=notice_id, telling_id="t-1", occasion=Occasion.OCCASION_SESSION_PLANNED, because=Because.BECAUSE_MENTOR,
        detail=Detail.DETAIL_FULL, about_id="s-1", requested_at=timestamp(NOON),
    )  # fmt: skip


def add(notice_id: str = "n-1") -> AddToDigestRequest:
    return AddToDigestRequest(person_id="mia", notice=gathered(notice_id))


def waits(notice_id: str = "n-1") -> NoticeGathered:
    return NoticeGathered(person_id="mia", notice=gathered(notice_id))


def begun(number: int = 1) -> DigestBegun:
    return DigestBegun(person_id="mia", number=number, notice_id=f"digest-{number}")


def lists(*notice_ids: str, number: int = 1) -> SendDigestRequest:
    return SendDigestRequest(person_id="mia", number=number, notice_ids=notice_ids)


def listed(*notice_ids: str, number: int = 1) -> DigestListed:
    return DigestListed(person_id="mia", number=number, notice_ids=notice_ids)


def close(*notice_ids: str, number: int = 1) -> CloseDigestRequest:
    return CloseDigestRequest(person_id="mia", number=number, notice_ids=notice_ids)


def closed(*notice_ids: str, number: int = 1) -> DigestClosed:
    return DigestClosed(person_id="mia", number=number, notice_ids=notice_ids)


def test_the_first_notice_begins_a_digest_and_the_next_waits_for_the_same() -> None:
    first = given(digest).when(add())
    ((number, notice_id),) = [(one.number, one.notice_id) for one in first.events if isinstance(one, DigestBegun)]
    assert (number, bool(notice_id)) == (1, True)
    first.after().when(add("n-2")).then(waits("n-2")).when(add("n-2")).then_nothing()


def test_what_is_listed_is_kept_and_the_newest_list_counts() -> None:
    after = given(digest, begun(), waits(), waits("n-2")).when(lists("n-1", "n-2")).then(listed("n-1", "n-2"))
    after.when(lists("n-1", "n-2")).then_nothing()
    assert [one.notice_id for one in after.when(lists("n-2")).then(listed("n-2")).state.listed] == ["n-2"]


def test_what_comes_while_a_digest_is_handed_over_waits_for_the_next() -> None:
    past = given(digest, begun(), waits(), listed("n-1"), waits("n-2"))
    ended = past.when(close("n-1"))
    closing, beginning = ended.events
    assert (closing, isinstance(beginning, DigestBegun)) == (closed("n-1"), True)
    state = ended.after().state
    assert (state.number, [one.notice_id for one in state.waiting], state.listed) == (2, ["n-2"], ())


def test_a_digest_that_leaves_nothing_is_ended_and_the_next_notice_begins_another() -> None:
    after = given(digest, begun(), waits(), listed("n-1")).when(close("n-1")).then(closed("n-1"))
    assert after.state == Digest(number=1)
    assert [one.number for one in after.when(add("n-2")).events if isinstance(one, DigestBegun)] == [2]


@pytest.mark.parametrize("late", [lists("n-1"), close("n-1")])
def test_nothing_is_done_with_a_digest_that_was_closed(late: Message) -> None:
    given(digest, begun(), waits(), listed("n-1"), closed("n-1"), begun(2), waits("n-2")).when(late).then_nothing()


@settings(max_examples=200)
@for_all(st.lists(st.one_of(st.integers(1, 6), st.sampled_from(["list", "close"])), max_size=20))
def test_over_any_history_what_waits_is_neither_lost_nor_closed_before_it_was_listed(steps: list[int | str]) -> None:
    story, told, came = given(digest), set[str](), set[str]()
    for place, step in enumerate(steps):
        state = story.state
        if isinstance(step, int):
            if f"n-{step}" not in told:
                came.add(f"n-{step}")
                story = story.when(add(f"n-{step}"), command_id=str(place)).after()
        elif state.notice_id and step == "list":
            story = story.when(lists(*(one.notice_id for one in state.waiting), number=state.number)).after()
        elif state.notice_id:
            done = [one.notice_id for one in state.listed]
            assert not told & set(done)
            told.update(done)
            story = story.when(close(*done, number=state.number), command_id=str(place)).after()
        waiting = {one.notice_id for one in story.state.waiting}
        assert waiting == came - told
        assert bool(story.state.notice_id) or not waiting
    assert_folds_in_pieces(digest, story.past)


def test_a_digest_that_begins_is_put_on_its_way_and_is_a_notice_of_its_person() -> None:
    meta = Metadata("e-1", "t", "provider-1", "digest-mia", 1, NOON)
    (later,) = digesting.policies[DigestBegun](begun(), meta)
    assert isinstance(later, Later)
    expected = SendDigestRequest(person_id="mia", number=1, begun_at=timestamp(NOON))
    assert (later.at, later.request, later.urgent) == (NOON, expected, False)
    document = notices.new("digest-1")
    notices.folds[DigestBegun](document, begun(), meta)
    assert (document.recipient_id, document.occasion, document.rule) == (
        "mia", Occasion.OCCASION_DIGEST, "part/chose-a-digest",
    )  # fmt: skip


EVERY = [
    pytest.param(language, list(told), id=language)
    for language, told in groupby(sorted(all_told(), key=lambda one: one.language), lambda one: one.language)
]


@pytest.mark.parametrize(("language", "every"), EVERY)
def test_a_digest_shows_of_each_thing_what_its_own_message_may_show_and_of_a_concern_nothing(
    language: str, every: list[Told]
) -> None:
    """Whatever can be told, in whatever relationship, listed in one message: no name of anybody, no code, no id but a link's."""
    words = words_in(language)
    for told in every:
        listed_now = [told.notice]
        content = content_of(DIGEST.notice, "", LINKS, words, ProviderDetails(), listed=listed_now)
        if is_safeguarding(told.occasion):
            assert content.listed == ()
            continue
        alone = content_of(told.notice, "", LINKS, words, ProviderDetails())
        (one,) = content.listed
        assert (one.subject, one.sentence, one.link, one.why) == (alone.subject, alone.sentence, alone.link, alone.why)
        for form in (as_text(content), as_html(content)):
            assert marks(form) == (may_show(told) - {"name"}) | {"notice"}
        assert one.subject in as_brief(content).text
        assert marks(as_brief(content).text) == set()


@pytest.mark.parametrize("language", ["en", "cy"])
def test_its_mail_has_the_same_words_in_both_forms_and_says_of_each_why_it_is_told(language: str) -> None:
    circle = [one for one in all_told() if one.language == language and one.occasion in TOLD_TO_A_CIRCLE][::17]
    mail = compose(
        DIGEST.notice, MIA, sender="mentor@stream.example", link_base=LINKS, at=AT + timedelta(1), language=language,
        listed=[one.notice for one in circle],
    )  # fmt: skip
    page = Page(body(mail, "html"))
    assert page.words == mail["Subject"].split() + body(mail, "plain").split()
    assert page.tags <= {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "div", "p", "a"}
    assert body(mail, "plain").count(words_in(language).why[circle[0].because]) >= 1
    assert len([link for link in page.links if link.startswith(LINKS)]) == len(circle) + 1
    assert mail["Content-Language"] == language
