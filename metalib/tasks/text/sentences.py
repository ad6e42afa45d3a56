"""Intents of short sentences, generated from templates: the embedded stand-in for a collected set of commands.

A sentence is an opening, an action, an object and an ending: "could you | call off | the | railway seat | before the weekend".
The intent is the pair of action and object; both have three wordings, and openings and endings say nothing about it. Training
and test intents come from different domains with different wordings of actions and objects. Real commands: `Intents`.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...episodes import generator
from .vectors import TextTasks

OPENINGS = ("", "please", "could you", "can you please", "i would like to", "i want to", "i need to", "is there a way to",
            "help me to", "would you be so kind as to", "do you know how i can", "tell me how to", "it is time to",
            "hey there, let us", "now", "i have been meaning to")
ENDINGS = ("", "please", "thank you", "as soon as you can", "when you have a moment", "if that is possible", "before the weekend",
           "right now", "this evening", "for my brother", "for me and my family", "tomorrow morning", "at half past seven",
           "on the way home", "one more time", "like we did last week")
OWNERS = ("the", "my", "our")
PER_CLASS = 60

# domain -> three actions and four objects, each in three wordings: twelve intents
TRAIN = {
    "music": ("play/put on/start, stop/turn off/silence, look up/find/search for",
              "song/track/tune, radio/station/broadcast, playlist/mix/album, podcast/talk show/episode"),
    "home": ("switch on/light up/turn up, dim/turn down/lower, repair/fix/mend",
             "lamp/bulb/desk light, heating/radiator/boiler, blinds/shutters/curtains, oven/cooker/hot plate"),
    "kitchen": ("cook/prepare/make, chop/slice/cut up, reheat/warm up/serve again",
                "soup/broth/stew, pasta/noodles/spaghetti, cake/tart/pudding, salad/greens/vegetables"),
    "calendar": ("schedule/arrange/set up, postpone/move/put off, remember/note down/keep in mind",
                 "meeting/conference/interview, birthday/anniversary/party, deadline/due date/last day, "
                 "holiday/vacation/days off"),
    "phone": ("call/ring/dial, text/write to/message, block/mute/ignore",
              "plumber/electrician/handyman, neighbour/people next door/landlord, boss/manager/supervisor, aunt/uncle/cousin"),
    "shopping": ("buy/order/purchase, return/send back/give back, compare/price/weigh up",
                 "shoes/boots/trainers, coat/jacket/anorak, laptop/computer/tablet, sofa/couch/armchair"),
    "garden": ("water/sprinkle/irrigate, prune/trim/clip, plant/sow/dig in",
               "roses/tulips/flowers, hedge/bushes/shrubs, lawn/grass/turf, tomatoes/beans/peas"),
    "sport": ("count/track/measure, plan/design/draw up, skip/miss/leave out",
              "run/jog/sprint, swim/laps/lengths, bike ride/cycling/pedalling, stretching/yoga/gymnastics"),
    "library": ("borrow/check out/take home, renew/extend/keep longer, review/rate/comment on",
                "novel/story/thriller, atlas/map/globe, magazine/journal/newspaper, film/movie/video"),
    "pets": ("feed/give food to/fill the bowl of, walk/take out/exercise, groom/brush/wash",
             "dog/puppy/hound, cat/kitten/tomcat, hamster/mouse/guinea pig, parrot/canary/budgie"),
}
TEST = {
    "travel": ("book/reserve/secure, cancel/call off/drop, change/swap/alter",
               "flight/plane/air ticket, hotel/room/guest house, train/railway seat/express, hire car/rental/taxi"),
    "bank": ("pay/settle/transfer, dispute/question/object to, show/display/list",
             "bill/invoice/rent, loan/credit/mortgage, savings/deposit/account, card/cheque/standing order"),
    "clinic": ("see/visit/consult, describe/explain/talk about, collect/pick up/fetch",
               "doctor/physician/surgeon, prescription/pills/medicine, fever/headache/sore throat, crutches/bandage/plaster"),
}
DOMAINS = {"train": TRAIN, "test": TEST}


@dataclass(frozen=True)
class Sentences(TextTasks):
    """Generated commands; a class is an intent, such as "travel: cancel train". 60 different sentences each.

    Arguments:
        split: "train" (10 domains, 120 intents) or "test" (3 domains, 36 intents).

    Raises:
        ValueError: for an unknown split.

    Example:
        >>> tasks = Sentences("test")
        >>> tasks.class_name(6), tasks.sentences(6)[0]
        ('travel: cancel train', 'please call off our express one more time')
    """

    split: str = "train"
    per_class = PER_CLASS

    def __post_init__(self):
        if self.split not in DOMAINS:
            raise ValueError(f"split is {self.split!r}; use one of {', '.join(map(repr, DOMAINS))}.")

    @property
    def n_classes(self) -> int:
        return len(_intents(self.split))

    def class_name(self, number: int) -> str:
        """Such as "travel: cancel train"."""
        domain, actions, objects = _intents(self.split)[number]
        return f"{domain}: {actions[0]} {objects[0]}"

    def sentences(self, number: int) -> Sequence[str]:
        """The 60 sentences of an intent."""
        return _sentences(self.split, number)


@lru_cache
def _intents(split: str) -> list[tuple[str, list[str], list[str]]]:
    """Every intent as domain, wordings of the action, wordings of the object."""
    return [(domain, action.split("/"), thing.split("/")) for domain, (actions, things) in DOMAINS[split].items()
            for action in actions.split(", ") for thing in things.split(", ")]


@lru_cache(maxsize=1_000)
def _sentences(split: str, number: int) -> tuple[str, ...]:
    """Draw until there are enough different ones; the same on every machine."""
    _, actions, things = _intents(split)[number]
    rng, found = generator((62, list(DOMAINS).index(split), number)), {}
    while len(found) < PER_CLASS:
        parts = [words[rng.randint(len(words))] for words in (OPENINGS, actions, OWNERS, things, ENDINGS)]
        found[" ".join(part for part in parts if part)] = None
    return tuple(found)
