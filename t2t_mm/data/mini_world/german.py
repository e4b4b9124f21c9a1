"""German: case, gender, the three adjective declensions, and the verb at the end of a "dass"
clause."""

from t2t_mm.data.mini_world.lexicon import ADJECTIVES, NOUNS, NUMERALS, RELATIONS, SEERS, VERBS
from t2t_mm.data.mini_world.meaning import (
    Acts,
    Clause,
    Exists,
    Is,
    Joined,
    Pair,
    Place,
    Quality,
    Sees,
    Thing,
)

# Endings by case, in the order masculine, feminine, neuter, plural.
_ARTICLES = {
    "a": {"nom": "ein eine ein -", "acc": "einen eine ein -", "dat": "einem einer einem -"},
    "the": {"nom": "der die das die", "acc": "den die das die", "dat": "dem der dem den"},
    "this": {
        "nom": "dieser diese dieses diese",
        "acc": "diesen diese dieses diese",
        "dat": "diesem dieser diesem diesen",
    },
    "my": {
        "nom": "mein meine mein meine",
        "acc": "meinen meine mein meine",
        "dat": "meinem meiner meinem meinen",
    },
    "every": {
        "nom": "jeder jede jedes -",
        "acc": "jeden jede jedes -",
        "dat": "jedem jeder jedem -",
    },
}
_WEAK = {"nom": "e e e en", "acc": "en e e en", "dat": "en en en en"}
_MIXED = {"nom": "er e es en", "acc": "en e es en", "dat": "en en en en"}
_STRONG_PLURAL = {"nom": "e", "acc": "e", "dat": "en"}  # after a bare numeral
_DATIVE_SINGULAR = {"Herz": "Herzen"}
_COLUMN = {"m": 0, "f": 1, "n": 2}


def sentence(clause: Clause) -> str:
    """The meaning in German, with its capital letter and full stop."""
    text = " ".join(_main(clause)).replace(" von dem ", " vom ").replace(" ,", ",")
    return text[0].upper() + text[1:] + "."


def _main(clause: Clause) -> list[str]:
    """A main clause: the verb stands second."""
    match clause:
        case Sees(who, Thing() | Pair() as what):
            return [SEERS[who][3], _noun_phrase(what, "acc")]
        case Sees(who, what):
            subject, verb, rest = _parts(what)
            return [SEERS[who][3], ",", "dass", subject, *rest, verb]
        case Joined(first, "and", second):  # no comma before "und"
            return [*_main(first), "und", *_main(second)]
        case Joined(first, "but", second):
            return [*_main(first), ",", "aber", *_main(second)]
    subject, verb, rest = _parts(clause)
    return [subject, verb, *rest]


def _parts(clause: Clause) -> tuple[str, str, list[str]]:
    """Subject, verb and the rest, for either word order."""
    match clause:
        case Exists(what):
            return "es", "gibt", [_noun_phrase(what, "acc")]
        case Is(what, how, negated):
            complement = _place(how) if isinstance(how, Place) else _quality(how)
            verb = "sind" if what.plural else "ist"
            return (
                _noun_phrase(what, "nom"),
                verb,
                ["nicht", complement] if negated else [complement],
            )
        case Acts(what, verb, to):
            singular, plural, case = VERBS[verb][1]
            return (
                _noun_phrase(what, "nom"),
                plural if what.plural else singular,
                [_noun_phrase(to, case)],
            )
    raise TypeError(f"expected Exists, Is or Acts, got {clause!r}")


def _quality(quality: Quality) -> str:
    words = " und ".join(ADJECTIVES[adjective].de for adjective in quality.adjectives)
    return f"sehr {words}" if quality.very else words


def _place(place: Place) -> str:
    return f"{RELATIONS[place.relation][1]} {_noun_phrase(place.to, 'dat')}"


def _noun_phrase(thing: Thing | Pair, case: str) -> str:
    if isinstance(thing, Pair):
        return f"{_noun_phrase(thing.first, case)} und {_noun_phrase(thing.second, case)}"
    gender, singular, plural = NOUNS[thing.shape].de
    column = 3 if thing.plural else _COLUMN[gender]
    if thing.determiner == "a" and thing.plural:
        words, ending = [], _STRONG_PLURAL[case]
    else:
        words = [_ARTICLES[thing.determiner][case].split()[column]]
        endings = _MIXED if thing.determiner in ("a", "my") else _WEAK
        ending = endings[case].split()[column]
    if thing.count > 1:
        words.append(NUMERALS[thing.count][1])
    words += [ADJECTIVES[word].de + ending for word in (thing.size, thing.colour) if word]
    words.append(_inflect(singular, plural, thing.plural, case))
    if thing.place:
        words.append(_place(thing.place))
    return " ".join(words)


def _inflect(singular: str, plural: str, is_plural: bool, case: str) -> str:
    if not is_plural:
        return _DATIVE_SINGULAR.get(singular, singular) if case == "dat" else singular
    return plural + "n" if case == "dat" and not plural.endswith("n") else plural
