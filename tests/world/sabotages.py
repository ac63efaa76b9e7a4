"""Sabotages of the protocol: each takes one promise's mechanism away, as text, in a copy of the product.

A world that does not notice one of these proves nothing. `seeds` is how many worlds it may take at most.
"""

from dataclasses import dataclass

FLOW = "orchestrator/flow"
SQLITE = "orchestrator/adapters/sqlite"


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the one place in a file where `old` stands."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Sabotage:
    """What is taken away, and where."""

    name: str
    edits: tuple[Edit, ...]
    seeds: int = 200


def _one(name: str, path: str, old: str, new: str, *, seeds: int = 200) -> Sabotage:
    return Sabotage(name, (Edit(path, old, new),), seeds)


SABOTAGES = (
    Sabotage(
        "success is recorded before the next is opened",
        (
            Edit(
                f"{FLOW}/succeeding.py",
                "    opened = [] if promotion.bypass_unaccepted else open_next(world, promotion)\n",
                "    opened: list[str] = []\n",
            ),
            Edit(
                f"{FLOW}/succeeding.py",
                "    wake_those_waiting(world, slot.slot.key, behind=promotion.id)\n",
                "    opened = [] if promotion.bypass_unaccepted else open_next(world, promotion)\n"
                "    wake_those_waiting(world, slot.slot.key, behind=promotion.id)\n",
            ),
        ),
    ),
    _one(
        "one empty look is enough",
        f"{FLOW}/looking_for_run.py",
        "_EMPTY_LOOKS = 2",
        "_EMPTY_LOOKS = 1",
        seeds=1500,
    ),
    _one(
        "another writer takes over without patience",
        f"{FLOW}/looking_for_run.py",
        "    if left <= timedelta(0):\n",
        "    if left <= timedelta(days=1):\n",
    ),
    _one(
        "patience ends while the order may still be on its way",
        f"{FLOW}/looking_for_run.py",
        "world.timing.on_its_way + ",
        "-world.timing.on_its_way + ",
        seeds=1500,
    ),
    _one(
        "patience is counted with the clocks of workers",
        f"{FLOW}/looking_for_run.py",
        "(stored.read_at - intent.since)",
        "(world.clock.now() - intent.since)",
        seeds=1500,
    ),
    _one(
        "a run is found by a prefix of its bracket",
        f"{FLOW}/looking_for_run.py",
        "find(intent.target, promotion.marker, since",
        "find(intent.target, promotion.marker.partition('#')[0], since",
        seeds=2000,
    ),
    _one(
        "runs that are run again after their end are not followed",
        f"{FLOW}/sweep.py",
        "    follow_re_runs(world)\n",
        "",
    ),
    _one(
        "a success empties the slot, whoever holds it",
        f"{FLOW}/succeeding.py",
        "holder=None if slot.holder == promotion.id else slot.holder",
        "holder=None",
        seeds=600,
    ),
    _one(
        "the slot is not released",
        f"{FLOW}/ending.py",
        "SlotChange(slot, replace(slot.slot, holder=None)) if held else None",
        "None",
    ),
    _one(
        "sending is not bounded by time",
        f"{FLOW}/dispatching.py",
        "    if spent >= world.timing.send_within.total_seconds():\n",
        "    if spent < 0:\n",
    ),
    _one(
        "the gate is not asked once more",
        f"{FLOW}/dispatching.py",
        "    if gate is Gate.NONE:\n",
        "    if gate in Gate:\n",
    ),
    _one(
        "an empty list of reviewers counts as a gate",
        f"{FLOW}/gate.py",
        "    if gate.reviewers:\n",
        "    if gate is not None:\n",
    ),
    _one(
        "a lost answer counts as nothing happened",
        f"{FLOW}/dispatching.py",
        "    except NothingHappened as error:\n",
        "    except (NothingHappened, LostAnswer) as error:\n",
    ),
    _one(
        "a lost answer counts as a refusal",
        f"{FLOW}/dispatching.py",
        "    except Refused as error:\n",
        "    except (Refused, LostAnswer) as error:\n",
    ),
    _one(
        "the order is sent before its intent is saved",
        f"{FLOW}/dispatching.py",
        "    saved = _save_intent(world, stored, slot, intended)\n",
        "    world.workflows.start(Order(target, intended.inputs, promotion.marker, world.timing.send_takes))\n"
        "    saved = _save_intent(world, stored, slot, intended)\n",
    ),
    Sabotage(
        "a duplicate skips the opening, and the journal comes first",
        (
            Edit(
                f"{FLOW}/intake.py",
                "            taken = _take(world, item, key)\n",
                "            seen = _Taken(SignalOutcome.UNMATCHED, 'seen')\n"
                "            world.store.write_journal([_entry(world, item, key, seen, duplicate=key in known)])\n"
                "            taken = seen if key in known else _take(world, item, key)\n",
            ),
            Edit(f"{FLOW}/intake.py", "        world.store.write_journal(entries)\n", ""),
        ),
    ),
    _one(
        "a signal that could not be stored is acknowledged",
        f"{FLOW}/intake.py",
        "        world.store.write_journal(entries)\n",
        "        try:\n            world.store.write_journal(entries)\n"
        "        except StoreUnavailable:\n            pass\n",
        seeds=400,
    ),
    _one(
        "newer means arrived later",
        f"{FLOW}/opening.py",
        "    promotion, fact = opened(\n",
        "    candidate = replace(candidate, registered_at=now)\n    promotion, fact = opened(\n",
    ),
    _one(
        "causes are not recorded",
        f"{FLOW}/opening.py",
        "causes=(*promotion.causes, cause.id)",
        "causes=promotion.causes",
    ),
    _one(
        "a newer version supersedes as soon as it arrives",
        f"{FLOW}/considering.py",
        "    if newer is not None:\n",
        "    for identity in world.store.open_in_slot(promotion.slot):\n"
        "        other = world.store.load(identity)\n"
        "        if other and other.promotion.candidate.registered.newer_than(promotion.candidate.registered):\n"
        "            newer = 'a newer one came'\n"
        "    if newer is not None:\n",
    ),
    _one(
        "success below is not asked for",
        "orchestrator/decide/decision.py",
        "if below is not None else [])",
        "if below is None and False else [])",
        seeds=600,
    ),
    _one(
        "approvals of an earlier attempt count",
        f"{FLOW}/passing_gate.py",
        "    earlier = Counter(gate.earlier_reviews)\n",
        "    earlier: Counter[str] = Counter()\n",
        seeds=600,
    ),
    _one(
        "answers that nobody read in time count for the next attempt",
        f"{FLOW}/passing_gate.py",
        "    unanswered = attempt - run.attempt - (1 if gate.decided_at is not None else 0)\n",
        "    unanswered = 0\n",
        seeds=1500,
    ),
    _one(
        "a bypass is not noticed",
        f"{FLOW}/following.py",
        "    if (gate.required and gate.approved_by is None) or not success:\n",
        "    if not success:\n",
    ),
    _one(
        "a bypass is timed with the clocks of workers",
        f"{FLOW}/passing_gate.py",
        "    if stored.read_at - gate.unapproved_since < _REVIEWS_LAG:\n",
        "    if world.clock.now() - gate.unapproved_since < _REVIEWS_LAG:\n",
    ),
    _one(
        "a bypassed gate opens the next environment",
        f"{FLOW}/succeeding.py",
        "    opened = [] if promotion.bypass_unaccepted else open_next(world, promotion)\n",
        "    opened = open_next(world, promotion)\n",
    ),
    Sabotage(
        "the store takes a write over a newer one",
        (
            Edit(
                f"{SQLITE}/promotions.py",
                'stored_at = ?, body = ?"\n    " WHERE id = ? AND revision = ?"',
                'stored_at = ?, body = ?"\n    " WHERE id = ? AND 0 < ?"',
            ),
            Edit(
                f"{SQLITE}/promotions.py",
                'stored_at = ?, body = ? WHERE id = ? AND revision = ?"',
                'stored_at = ?, body = ? WHERE id = ? AND 0 < ?"',
            ),
        ),
    ),
    _one(
        "the store does not compare the slot",
        f"{SQLITE}/promotions.py",
        "                self._slots.expect(slot.read)\n",
        "                pass\n",
        seeds=600,
    ),
    _one(
        "the due row of an opening is written later",
        f"{SQLITE}/promotions.py",
        "                self._append(promotion, [fact], new_causes=promotion.causes)\n"
        "                self._due.follow(promotion)\n",
        "                self._append(promotion, [fact], new_causes=promotion.causes)\n",
    ),
    _one(
        "the due row of what is opened again is not written",
        f"{SQLITE}/promotions.py",
        "            self._append(promotion, facts, new_causes=new_causes)\n            self._due.follow(promotion)\n",
        "            self._append(promotion, facts, new_causes=new_causes)\n"
        "            if before.state.is_open:\n"
        "                self._due.follow(promotion)\n",
    ),
)
