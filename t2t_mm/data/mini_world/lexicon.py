"""The words of the mini world in three languages, and how the English ones are pronounced.

Everything regular is left to the grammars: German dative plurals, adjective endings, French plurals
in -s.
"""

from typing import NamedTuple


class Noun(NamedTuple):
    """A shape: English singular and plural; German and French gender ("m", "f", "n"), singular and
    plural."""

    en: tuple[str, str]
    de: tuple[str, str, str]
    fr: tuple[str, str, str]


class Adjective(NamedTuple):
    """German stem (endings are added to it); French masculine and feminine singular (plural:
    -s)."""

    de: str
    fr: tuple[str, str]


NOUNS = {
    "circle": Noun(("circle", "circles"), ("m", "Kreis", "Kreise"), ("m", "cercle", "cercles")),
    "square": Noun(("square", "squares"), ("n", "Quadrat", "Quadrate"), ("m", "carré", "carrés")),
    "triangle": Noun(
        ("triangle", "triangles"), ("n", "Dreieck", "Dreiecke"), ("m", "triangle", "triangles")
    ),
    "star": Noun(("star", "stars"), ("m", "Stern", "Sterne"), ("f", "étoile", "étoiles")),
    "cross": Noun(("cross", "crosses"), ("n", "Kreuz", "Kreuze"), ("f", "croix", "croix")),
    "ring": Noun(("ring", "rings"), ("m", "Ring", "Ringe"), ("m", "anneau", "anneaux")),
    "heart": Noun(("heart", "hearts"), ("n", "Herz", "Herzen"), ("m", "cœur", "cœurs")),
    "moon": Noun(("moon", "moons"), ("m", "Mond", "Monde"), ("f", "lune", "lunes")),
    "diamond": Noun(
        ("diamond", "diamonds"), ("f", "Raute", "Rauten"), ("m", "losange", "losanges")
    ),
    "flower": Noun(("flower", "flowers"), ("f", "Blume", "Blumen"), ("f", "fleur", "fleurs")),
}
SHAPES = tuple(NOUNS)

COLOURS = {
    "red": Adjective("rot", ("rouge", "rouge")),
    "blue": Adjective("blau", ("bleu", "bleue")),
    "green": Adjective("grün", ("vert", "verte")),
    "yellow": Adjective("gelb", ("jaune", "jaune")),
    "black": Adjective("schwarz", ("noir", "noire")),
    "white": Adjective("weiß", ("blanc", "blanche")),
    "brown": Adjective("braun", ("brun", "brune")),
    "purple": Adjective("violett", ("violet", "violette")),
}
SIZES = {
    "small": Adjective("klein", ("petit", "petite")),
    "big": Adjective("groß", ("grand", "grande")),
    "huge": Adjective("riesig", ("énorme", "énorme")),
}
ADJECTIVES = COLOURS | SIZES

NUMERALS = {
    2: ("two", "zwei", "deux"),
    3: ("three", "drei", "trois"),
    4: ("four", "vier", "quatre"),
    5: ("five", "fünf", "cinq"),
}

# English word (left and right take "of"), German preposition (all with the dative), French
# preposition.
RELATIONS = {
    "above": ("above", "über", "au-dessus de"),
    "below": ("below", "unter", "sous"),
    "left": ("left", "links von", "à gauche de"),
    "right": ("right", "rechts von", "à droite de"),
    "beside": ("beside", "neben", "à côté de"),
    "behind": ("behind", "hinter", "derrière"),
}

# English and French: third person singular and plural; German likewise, and the case of the object.
VERBS = {
    "touch": (("touches", "touch"), ("berührt", "berühren", "acc"), ("touche", "touchent")),
    "hide": (("hides", "hide"), ("verdeckt", "verdecken", "acc"), ("cache", "cachent")),
    "resemble": (
        ("resembles", "resemble"),
        ("ähnelt", "ähneln", "dat"),
        ("ressemble à", "ressemblent à"),
    ),
}
# Who sees: English pronoun and verb with its tag; German and French pronoun and verb.
SEERS = {
    "i": ("I", "see", "VBP", "ich sehe", "je vois"),
    "we": ("we", "see", "VBP", "wir sehen", "nous voyons"),
    "he": ("he", "sees", "VBZ", "er sieht", "il voit"),
    "she": ("she", "sees", "VBZ", "sie sieht", "elle voit"),
}

# English pronunciations in ARPAbet, for `speech.py`. A plural adds S, Z or IH Z to its singular.
PRONUNCIATIONS = {
    "a": "AH",
    "above": "AH B AH V",
    "and": "AE N D",
    "are": "AA R",
    "behind": "B IH HH AY N D",
    "below": "B IH L OW",
    "beside": "B IH S AY D",
    "big": "B IH G",
    "black": "B L AE K",
    "blue": "B L UW",
    "brown": "B R AW N",
    "but": "B AH T",
    "circle": "S ER K AH L",
    "cross": "K R AO S",
    "diamond": "D AY M AH N D",
    "every": "EH V R IY",
    "five": "F AY V",
    "flower": "F L AW ER",
    "four": "F AO R",
    "green": "G R IY N",
    "he": "HH IY",
    "heart": "HH AA R T",
    "hide": "HH AY D",
    "hides": "HH AY D Z",
    "huge": "HH Y UW JH",
    "i": "AY",
    "is": "IH Z",
    "left": "L EH F T",
    "moon": "M UW N",
    "my": "M AY",
    "not": "N AA T",
    "of": "AH V",
    "purple": "P ER P AH L",
    "red": "R EH D",
    "resemble": "R IH Z EH M B AH L",
    "resembles": "R IH Z EH M B AH L Z",
    "right": "R AY T",
    "ring": "R IH NG",
    "see": "S IY",
    "sees": "S IY Z",
    "she": "SH IY",
    "small": "S M AO L",
    "square": "S K W EH R",
    "star": "S T AA R",
    "that": "DH AE T",
    "the": "DH AH",
    "there": "DH EH R",
    "these": "DH IY Z",
    "this": "DH IH S",
    "three": "TH R IY",
    "touch": "T AH CH",
    "touches": "T AH CH IH Z",
    "triangle": "T R AY AE NG G AH L",
    "two": "T UW",
    "very": "V EH R IY",
    "we": "W IY",
    "white": "W AY T",
    "yellow": "Y EH L OW",
}


def pronounce(word: str) -> list[str]:
    """Phonemes of an English word of the mini world, in any letter case. KeyError if it isn't
    one."""
    word = word.lower()
    if word in PRONUNCIATIONS:
        return PRONUNCIATIONS[word].split()
    phones = PRONUNCIATIONS[_SINGULARS[word]].split()
    if phones[-1] in ("S", "Z", "SH", "CH", "JH"):
        return [*phones, "IH", "Z"]
    return [*phones, "S" if phones[-1] in ("P", "T", "K", "F", "TH") else "Z"]


_SINGULARS = {noun.en[1]: noun.en[0] for noun in NOUNS.values()}
