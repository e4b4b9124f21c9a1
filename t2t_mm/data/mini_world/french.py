"""French: gender and number agreement, adjective order, elision and the contractions of "à" and
"de"."""

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

_VOWELS = "aeiouéèêà"
# Masculine, feminine, plural.
_DETERMINERS = {
    "a": ("un", "une", ""),
    "the": ("le", "la", "les"),
    "this": ("ce", "cette", "ces"),
    "my": ("mon", "ma", "mes"),
    "every": ("chaque", "chaque", ""),
}
_BEFORE_VOWEL = {"le": "l'", "la": "l'", "ce": "cet", "ma": "mon"}
_CONTRACTIONS = {("à", "le"): "au", ("à", "les"): "aux", ("de", "le"): "du", ("de", "les"): "des"}


def sentence(clause: Clause) -> str:
    """The meaning in French, with its capital letter and full stop."""
    text = _clause(clause)
    return text[0].upper() + text[1:] + "."


def _clause(clause: Clause) -> str:
    match clause:
        case Exists(what):
            return f"il y a {_noun_phrase(what)}"
        case Is(what, how, negated):
            complement = _place(how) if isinstance(how, Place) else _quality(how, what)
            if negated:
                verb = "ne sont" if what.plural else "n'est"
                return f"{_noun_phrase(what)} {verb} pas {complement}"
            return f"{_noun_phrase(what)} {'sont' if what.plural else 'est'} {complement}"
        case Acts(what, verb, to):
            return f"{_noun_phrase(what)} {_governed(VERBS[verb][2][what.plural], to)}"
        case Sees(who, Thing() | Pair() as what):
            return f"{SEERS[who][4]} {_noun_phrase(what)}"
        case Sees(who, what):
            return f"{SEERS[who][4]} {_elide('que', _clause(what))}"
        case Joined(first, "and", second):  # no comma before "et"
            return f"{_clause(first)} et {_clause(second)}"
        case Joined(first, "but", second):
            return f"{_clause(first)}, mais {_clause(second)}"
    raise TypeError(f"expected a clause, got {clause!r}")


def _elide(word: str, following: str) -> str:
    """A word in -e joined to what follows: "que" + "une" gives "qu'une"."""
    return f"{word[:-1]}'{following}" if following[0] in _VOWELS else f"{word} {following}"


def _governed(head: str, thing: Thing | Pair) -> str:
    """A verb or preposition and its object. One that ends in "à" or "de" says it again for each of
    a pair."""
    *words, preposition = head.split()
    if preposition not in ("à", "de"):
        return f"{head} {_noun_phrase(thing)}"
    things = (thing.first, thing.second) if isinstance(thing, Pair) else (thing,)
    joined = " et ".join(_contract(preposition, _noun_phrase(each)) for each in things)
    return " ".join([*words, joined])


def _contract(preposition: str, phrase: str) -> str:
    first, _, rest = phrase.partition(" ")
    if (preposition, first) in _CONTRACTIONS:
        return f"{_CONTRACTIONS[preposition, first]} {rest}"
    return _elide(preposition, phrase) if preposition == "de" else f"{preposition} {phrase}"


def _place(place: Place) -> str:
    return _governed(RELATIONS[place.relation][2], place.to)


def _quality(quality: Quality, subject: Thing | Pair) -> str:
    things = (subject.first, subject.second) if isinstance(subject, Pair) else (subject,)
    feminine = all(NOUNS[thing.shape].fr[0] == "f" for thing in things)  # a mixed pair is masculine
    words = " et ".join(
        _agree(adjective, feminine, subject.plural) for adjective in quality.adjectives
    )
    return f"très {words}" if quality.very else words


def _agree(adjective: str, feminine: bool, plural: bool) -> str:
    return ADJECTIVES[adjective].fr[feminine] + "s" * plural


def _noun_phrase(thing: Thing | Pair) -> str:
    if isinstance(thing, Pair):
        return f"{_noun_phrase(thing.first)} et {_noun_phrase(thing.second)}"
    gender, singular, plural = NOUNS[thing.shape].fr
    feminine = gender == "f"
    words = [NUMERALS[thing.count][2]] if thing.count > 1 else []
    words += (
        [_agree(thing.size, feminine, thing.plural)] if thing.size else []
    )  # sizes before, colours after
    words.append(plural if thing.plural else singular)
    words += [_agree(thing.colour, feminine, thing.plural)] if thing.colour else []
    words += [_place(thing.place)] if thing.place else []
    phrase = " ".join(words)
    determiner = _DETERMINERS[thing.determiner][2 if thing.plural else int(feminine)]
    if not thing.plural and phrase[0] in _VOWELS:
        determiner = _BEFORE_VOWEL.get(determiner, determiner)
    return determiner + phrase if determiner.endswith("'") else f"{determiner} {phrase}".strip()
