"""The three grammars: agreement, case and elision by example; each language determines the
others."""

from random import Random

import pytest

from t2t_mm.data.mini_world import english, french, german, scenes
from t2t_mm.data.mini_world.lexicon import NOUNS, pronounce
from t2t_mm.data.mini_world.meaning import (
    MANY,
    Acts,
    Exists,
    Is,
    Joined,
    Pair,
    Place,
    Quality,
    Sees,
    Thing,
    split_of,
)
from t2t_mm.problem import trees

SENTENCES = [
    # German accusative and dative with mixed endings; French d'une, colour after the noun
    (
        Exists(Thing("circle", "red", "big", place=Place("above", Thing("star", "blue", "small")))),
        "There is a big red circle above a small blue star.",
        "Es gibt einen großen roten Kreis über einem kleinen blauen Stern.",
        "Il y a un grand cercle rouge au-dessus d'une petite étoile bleue.",
    ),
    # weak endings, vom, du
    (
        Is(
            Thing("moon", "white", determiner="the"),
            Place("left", Thing("square", determiner="the")),
        ),
        "The white moon is left of the square.",
        "Der weiße Mond ist links vom Quadrat.",
        "La lune blanche est à gauche du carré.",
    ),
    # feminine dative keeps "von der"; de l' before a vowel
    (
        Is(Thing("ring", determiner="the"), Place("right", Thing("flower", determiner="the"))),
        "The ring is right of the flower.",
        "Der Ring ist rechts von der Blume.",
        "L'anneau est à droite de la fleur.",
    ),
    (
        Is(
            Thing("heart", determiner="the"),
            Place("beside", Thing("star", size="huge", determiner="the")),
        ),
        "The heart is beside the huge star.",
        "Das Herz ist neben dem riesigen Stern.",
        "Le cœur est à côté de l'énorme étoile.",
    ),
    # strong plural after a numeral, dative plural in -n; "des" is de + les; cross has one form in
    # French
    (
        Exists(
            Thing(
                "cross",
                "white",
                "small",
                3,
                place=Place("above", Thing("circle", "red", "", 2, "the")),
            )
        ),
        "There are three small white crosses above the two red circles.",
        "Es gibt drei kleine weiße Kreuze über den zwei roten Kreisen.",
        "Il y a trois petites croix blanches au-dessus des deux cercles rouges.",
    ),
    # verb at the end after "dass"; qu'il, qu'une, que l'
    (
        Sees("he", Exists(Thing("diamond", "purple"))),
        "He sees that there is a purple diamond.",
        "Er sieht, dass es eine violette Raute gibt.",
        "Il voit qu'il y a un losange violet.",
    ),
    (
        Sees("she", Acts(Thing("moon", determiner="a"), "touch", Thing("ring", determiner="this"))),
        "She sees that a moon touches this ring.",
        "Sie sieht, dass ein Mond diesen Ring berührt.",
        "Elle voit qu'une lune touche cet anneau.",
    ),
    # my: mon before a vowel though feminine; mixed plural endings
    (
        Sees(
            "we",
            Pair(
                Thing("star", determiner="my"), Thing("ring", "green", count=MANY, determiner="my")
            ),
        ),
        "We see my star and my green rings.",
        "Wir sehen meinen Stern und meine grünen Ringe.",
        "Nous voyons mon étoile et mes anneaux verts.",
    ),
    # ähneln takes the dative (dem Herzen); ressembler à contracts, for each of the objects
    (
        Acts(
            Thing("flower", count=MANY, determiner="this"),
            "resemble",
            Thing("heart", determiner="the"),
        ),
        "These flowers resemble the heart.",
        "Diese Blumen ähneln dem Herzen.",
        "Ces fleurs ressemblent au cœur.",
    ),
    (
        Acts(
            Thing("square", determiner="every"), "resemble", Thing("triangle", "", "", MANY, "the")
        ),
        "Every square resembles the triangles.",
        "Jedes Quadrat ähnelt den Dreiecken.",
        "Chaque carré ressemble aux triangles.",
    ),
    (
        Is(
            Thing("ring", determiner="the"),
            Place("left", Pair(Thing("star"), Thing("circle", determiner="the"))),
        ),
        "The ring is left of a star and the circle.",
        "Der Ring ist links von einem Stern und dem Kreis.",
        "L'anneau est à gauche d'une étoile et du cercle.",
    ),
    # predicate adjectives agree in French (a mixed pair is masculine) and are bare in German
    (
        Is(
            Pair(Thing("star", determiner="the"), Thing("circle", determiner="the")),
            Quality(("white",)),
        ),
        "The star and the circle are white.",
        "Der Stern und der Kreis sind weiß.",
        "L'étoile et le cercle sont blancs.",
    ),
    (
        Is(Thing("star", count=2, determiner="this"), Quality(("small", "green")), negated=True),
        "These two stars are not small and green.",
        "Diese zwei Sterne sind nicht klein und grün.",
        "Ces deux étoiles ne sont pas petites et vertes.",
    ),
    (
        Joined(
            Is(Thing("flower", determiner="this"), Quality(("big",), very=True)),
            "but",
            Is(Thing("square", determiner="my"), Quality(("brown",)), negated=True),
        ),
        "This flower is very big, but my square is not brown.",
        "Diese Blume ist sehr groß, aber mein Quadrat ist nicht braun.",
        "Cette fleur est très grande, mais mon carré n'est pas brun.",
    ),
]


@pytest.fixture(scope="module")
def clauses():
    rng = Random(7)
    return list(dict.fromkeys(scenes.described(rng) for _ in range(4000)))


@pytest.mark.parametrize("clause, en, de, fr", SENTENCES, ids=[en for _, en, _, _ in SENTENCES])
def test_sentences(clause, en, de, fr):
    assert (english.sentence(clause), german.sentence(clause), french.sentence(clause)) == (
        en,
        de,
        fr,
    )


@pytest.mark.parametrize("language", [english, german, french])
def test_no_two_meanings_share_a_sentence(clauses, language):
    assert len({language.sentence(clause) for clause in clauses}) == len(clauses) > 3500


def test_length_and_size_of_the_vocabulary(clauses):
    lengths = [len(english.sentence(clause).split()) for clause in clauses]
    assert min(lengths) == 4 and max(lengths) == scenes.MAX_WORDS
    for language in (english, german, french):
        words = {
            word.strip(".,").lower()
            for clause in clauses
            for word in language.sentence(clause).split()
        }
        assert len(words) <= 150


def test_french_has_no_missed_elision_or_contraction(clauses):
    for clause in clauses:
        words = french.sentence(clause).lower().strip(".").split()
        for before, word in zip(words, words[1:], strict=False):
            if word[0] in "aeiouéàâêœ":
                assert before not in ("le", "la", "de", "que", "ne", "ce", "ma"), (before, word)
            assert (before, word) not in [("de", "le"), ("de", "les"), ("à", "le"), ("à", "les")]


def test_trees_hold_the_sentence(clauses):
    labels = set()
    for clause in clauses[:500]:
        tree = english.tree(clause)
        line = english.bracketed(["ROOT", tree])
        words = english.leaves(tree)
        assert trees.words(trees.parse(line)[0]) == words
        assert trees.delinearize(trees.linearize(line), words) == line
        labels |= {symbol.lstrip("()") for symbol in trees.linearize(line).split()}
    phrases = {"ROOT", "S", "SBAR", "NP", "VP", "PP", "ADVP", "ADJP"}
    tags = {
        "DT",
        "JJ",
        "NN",
        "NNS",
        "CD",
        "IN",
        "VBZ",
        "VBP",
        "CC",
        "EX",
        "RB",
        "PRP",
        "PRP$",
        ",",
        ".",
    }
    assert labels == phrases | tags


def test_tree_of_a_sentence():
    clause = SENTENCES[1][0]
    assert english.bracketed(english.tree(clause)) == (
        "(S (NP (DT The) (JJ white) (NN moon)) "
        "(VP (VBZ is) (ADVP (RB left) (PP (IN of) (NP (DT the) (NN square))))) (. .))"
    )


def test_every_english_word_can_be_pronounced(clauses):
    for clause in clauses:
        for word in english.leaves(english.tree(clause)):
            assert not word.isalpha() or pronounce(word)
    assert pronounce("crosses")[-2:] == ["IH", "Z"] and pronounce("hearts")[-1] == "S"
    assert len({tuple(pronounce(noun.en[0])) for noun in NOUNS.values()}) == len(NOUNS)


def test_scenes_keep_to_their_split():
    found = {
        split: set(scenes.sample_split(scenes.described, split, 300, Random(1), True))
        for split in ("train", "validation", "test")
    }
    assert [len(meanings) for meanings in found.values()] == [300] * 3
    assert not found["train"] & found["validation"] and not found["train"] & found["test"]
    assert {split_of(clause) for clause in found["test"]} == {"test"}
