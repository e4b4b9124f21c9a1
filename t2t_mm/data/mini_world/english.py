"""English: a meaning becomes a tree with Penn Treebank labels, and the tree's leaves are the
sentence.

A tree is a list: its label, then its children; a pre-terminal is a tag and a word.
"""

from t2t_mm.data.mini_world.lexicon import NOUNS, NUMERALS, RELATIONS, SEERS, VERBS
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


def tree(clause: Clause) -> list:
    """The sentence's tree, with capital and full stop: `["S", ["NP", ["DT", "The"], ...], ...]`."""
    root = [*_clause(clause), [".", "."]]
    first = root
    while isinstance(first[1], list):
        first = first[1]
    first[1] = first[1][0].upper() + first[1][1:]
    return root


def bracketed(node: list) -> str:
    """A tree as one bracketed line: "(S (NP (DT The) (NN star)) ...)"."""
    return f"({node[0]} {' '.join(c if isinstance(c, str) else bracketed(c) for c in node[1:])})"


def leaves(node: list) -> list[str]:
    """The words and punctuation marks of a tree, left to right."""
    return [
        word
        for child in node[1:]
        for word in ([child] if isinstance(child, str) else leaves(child))
    ]


def sentence(clause: Clause) -> str:
    """The sentence as people write it, with no space before a full stop or a comma."""
    return " ".join(leaves(tree(clause))).replace(" .", ".").replace(" ,", ",")


def _clause(clause: Clause) -> list:
    match clause:
        case Exists(what):
            return ["S", ["NP", ["EX", "there"]], ["VP", _be(what), _noun_phrase(what)]]
        case Is(what, how, negated):
            no = [["RB", "not"]] if negated else []
            complement = _place(how) if isinstance(how, Place) else _quality(how)
            return ["S", _noun_phrase(what), ["VP", _be(what), *no, complement]]
        case Acts(what, verb, to):
            word = ["VBP", VERBS[verb][0][1]] if what.plural else ["VBZ", VERBS[verb][0][0]]
            return ["S", _noun_phrase(what), ["VP", word, _noun_phrase(to)]]
        case Sees(who, what):
            pronoun, verb, tag, *_ = SEERS[who]
            thing = isinstance(what, (Thing, Pair))
            seen = _noun_phrase(what) if thing else ["SBAR", ["IN", "that"], _clause(what)]
            return ["S", ["NP", ["PRP", pronoun]], ["VP", [tag, verb], seen]]
        case Joined(first, conjunction, second):
            return ["S", _clause(first), [",", ","], ["CC", conjunction], _clause(second)]


def _be(subject: Thing | Pair) -> list:
    return ["VBP", "are"] if subject.plural else ["VBZ", "is"]


def _quality(quality: Quality) -> list:
    first, *second = (["JJ", adjective] for adjective in quality.adjectives)
    very = [["RB", "very"]] if quality.very else []
    return ["ADJP", *very, first, *([["CC", "and"], *second] if second else [])]


def _place(place: Place) -> list:
    word, to = RELATIONS[place.relation][0], _noun_phrase(place.to)
    if place.relation in ("left", "right"):
        return ["ADVP", ["RB", word], ["PP", ["IN", "of"], to]]
    return ["PP", ["IN", word], to]


def _noun_phrase(thing: Thing | Pair) -> list:
    if isinstance(thing, Pair):
        return ["NP", _noun_phrase(thing.first), ["CC", "and"], _noun_phrase(thing.second)]
    phrase = ["NP"]
    if thing.determiner == "my":
        phrase.append(["PRP$", "my"])
    elif not (thing.determiner == "a" and thing.plural):
        phrase.append(
            ["DT", "these" if thing.determiner == "this" and thing.plural else thing.determiner]
        )
    if thing.count > 1:
        phrase.append(["CD", NUMERALS[thing.count][0]])
    phrase += [["JJ", word] for word in (thing.size, thing.colour) if word]
    phrase.append(["NNS" if thing.plural else "NN", NOUNS[thing.shape].en[thing.plural]])
    return ["NP", phrase, _place(thing.place)] if thing.place else phrase
