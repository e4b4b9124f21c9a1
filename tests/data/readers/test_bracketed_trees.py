import gzip

import pytest

from t2t_mm.errors import UserError

DOG = "(ROOT (S (NP (DT The) (NN dog)) (VP (VBZ barks))))"
EXAMPLE = (b"The dog barks", b"(ROOT (S (NP DT NN )NP (VP VBZ )VP )S )ROOT", DOG.encode())


def examples(builder, split="train"):
    data = builder.as_dataset(split).as_numpy_iterator()
    return sorted((example["words"], example["symbols"], example["tree"]) for example in data)


def test_one_tree_a_line(prepare, write):
    write("train.mrg", f"{DOG}\n\n( (S (NP-SBJ (-NONE- *)) (VP (VB Go)) (-LRB- -LRB-)))\n")
    write("validation.mrg", DOG)
    builder = prepare("bracketed_trees")
    assert examples(builder) == [
        (
            b"Go -LRB-",
            b"(ROOT (S (VP VB )VP -LRB- )S )ROOT",
            b"(ROOT (S (VP (VB Go)) (-LRB- -LRB-)))",
        ),
        EXAMPLE,
    ]
    assert examples(builder, "validation") == [EXAMPLE]
    assert set(builder.info.splits) == {"train", "validation"}


def test_function_tags_stay_if_the_problem_says_so(prepare, write):
    write("train.mrg", "(S (NP-SBJ=1 (NN x)))")
    assert examples(prepare("bracketed_trees"))[0][2] == b"(S (NP (NN x)))"
    builder = prepare("bracketed_trees", folder="b", keep_functions=True)
    assert examples(builder)[0][2] == b"(S (NP-SBJ=1 (NN x)))"


def test_many_files_and_trees_over_many_lines(prepare, write):
    pretty = "( (S\n    (NP (DT The) (NN dog))\n    (VP (VBZ barks)) ))\n"
    write("train/wsj_0001.mrg", f"\n{pretty}\n{pretty}")
    write("train/02/wsj_0200.mrg", pretty.replace("\n", "\r\n") + pretty.replace("\n", " "))
    write("train/.hidden.mrg", "junk")
    write("train/README", "junk")
    assert examples(prepare("bracketed_trees")) == [EXAMPLE] * 4


def test_sections_under_a_split_belong_to_it(prepare, write):
    for section in ("02", "22", "23"):
        write(f"train/{section}/wsj.mrg", DOG)
    builder = prepare("bracketed_trees")
    assert examples(builder) == [EXAMPLE] * 3 and set(builder.info.splits) == {"train"}


def test_indented_trees_and_several_on_a_line(prepare, write):
    write("train.mrg", f"  {DOG}\n  {DOG} {DOG}\n")
    assert examples(prepare("bracketed_trees")) == [EXAMPLE] * 3
    write("train.mrg", f"  {DOG}\n" * 100 + f"  {DOG})\n")
    assert len(examples(prepare("bracketed_trees", folder="with_a_broken_one"))) == 100


def test_an_unbalanced_tree_spoils_no_other(prepare, write):
    lines = [DOG] * 400
    lines[9] += ")"
    lines[99] = lines[99][:-1]
    lines[100] = "junk"
    write("train.mrg", "\n".join(lines).encode().replace(b"junk", b"(S (NN \xff))"))
    builder = prepare("bracketed_trees")
    assert len(examples(builder)) == 397
    assert builder.said == [
        "mine: train: left out 3 broken: train.mrg:10 (an extra closing bracket), "
        "train.mrg:100 (1 bracket is not closed), train.mrg:101 (not UTF-8)"
    ]


def test_a_line_of_any_length_is_told_in_a_few_words(prepare, write):
    write("train.mrg", f"{DOG}\n" * 200 + "[" * 100_000 + "\n")
    builder = prepare("bracketed_trees")
    (said,) = builder.said
    assert (
        said.startswith("mine: train: left out 1 broken: train.mrg:201 ('[[[") and len(said) < 300
    )


def test_a_tree_that_loses_a_word_is_broken(prepare, write):
    write("train.mrg", f"{DOG}\n" * 200 + "(NP (NN Eye) (HYPH ) (NN Tracking))\n")
    builder = prepare("bracketed_trees")
    assert len(examples(builder)) == 200
    assert builder.said == [
        "mine: train: left out 1 broken: train.mrg:201 (the bracket HYPH holds no word)"
    ]


def test_a_tree_beyond_the_limit_spoils_no_other(prepare, write):
    """Such as one that is not closed, before lines that don't begin with a bracket."""
    endless = "(S\n" + "  (NN x)\n" * 300_000
    write("train.mrg", f"{DOG}\n" * 150 + endless + f"{DOG}\n" * 150)
    builder = prepare("bracketed_trees")
    assert len(examples(builder)) == 300
    assert builder.said == [
        "mine: train: left out 1 broken: train.mrg:151 (longer than 1,048,576 bytes)"
    ]


def test_a_tree_that_is_nested_without_measure_is_broken(prepare, write):
    deep = "(S " * 100_000 + "(NN x)" + ")" * 100_000
    write("train.mrg", f"{DOG}\n" * 150 + f"{deep}\n")
    builder = prepare("bracketed_trees")
    assert len(examples(builder)) == 150
    assert builder.said == [
        "mine: train: left out 1 broken: train.mrg:151 (nested 100,000 deep, where 1,000 are the "
        "most)"
    ]


def test_trees_without_a_word_are_left_out(prepare, write):
    write("train.mrg", f"{DOG}\n( (S (NP (-NONE- *))))\n(S (NN \u200b) (. \ufeff))\n")
    builder = prepare("bracketed_trees")
    assert examples(builder) == [EXAMPLE] and builder.said == [
        "mine: train: left out 2 trees without a word"
    ]


@pytest.mark.parametrize(
    "files, message",
    [
        ({}, "expected bracketed trees .train.mrg or train/"),
        ({"train.mrg": "\n"}, "hold no example"),
        (
            {"train.mrg": f"{DOG}\n{DOG[:-1]}\n{DOG}"},
            "1 of 3 .*broken.*train.mrg:2 .1 bracket is not closed",
        ),
        ({"train.mrg": "not a tree"}, "1 of 1 train .*broken.*train.mrg:1 .'not' stands outside"),
        ({"train.mrg": "(S ((NN x)))"}, "train.mrg:1 .a bracket inside the tree has no label"),
    ],
)
def test_what_is_wrong_is_said(prepare, write, files, message):
    for name, content in files.items():
        write(name, content)
    with pytest.raises(UserError, match=message):
        prepare("bracketed_trees")


PTB = """
( (S
    (NP-SBJ-1 (DT The) (NN dog) )
    (VP (VBZ seems)
      (S
        (NP-SBJ (-NONE- *-1) )
        (VP (TO to) (VP (VB bark) ))))
    (. .) ))
"""


@pytest.mark.parametrize("root", ["", "PARSED/MRG/WSJ/"])
def test_the_sections_of_the_penn_treebank(prepare, write, root):
    for section in ("00", "01", "02", "21", "22", "23", "24"):
        write(
            f"{root}{section}/WSJ_{section}00.MRG".replace(".MRG", ".mrg"),
            PTB.replace("dog", f"dog{section}") * 2,
        )
    builder = prepare("bracketed_trees")
    words = {
        split: {words for words, *_ in examples(builder, split)} for split in builder.info.splits
    }
    assert words == {
        "train": {b"The dog02 seems to bark .", b"The dog21 seems to bark ."},
        "validation": {b"The dog22 seems to bark ."},
        "test": {b"The dog23 seems to bark ."},
    }
    assert builder.info.splits["train"].num_examples == 4
    tree = examples(builder, "test")[0][2]
    assert (
        tree
        == b"(ROOT (S (NP (DT The) (NN dog23)) (VP (VBZ seems) (S (VP (TO to) (VP (VB bark))))) "
        b"(. .)))"
    )


def test_traces_and_functions_can_stay(prepare, write):
    write("train.mrg", PTB)
    builder = prepare("bracketed_trees", keep_traces=True, keep_functions=True)
    ((words, symbols, tree),) = examples(builder)
    assert (
        words == b"The dog seems *-1 to bark ."
        and b"(NP-SBJ (-NONE- *-1))" in tree
        and b"(NP-SBJ-1 " in symbols
    )


@pytest.mark.parametrize(
    "names",
    [
        ("train.mrg", "train/a.mrg"),
        ("train/a.mrg", "train/a.mrg.gz"),
        ("train.mrg", "train.mrg.gz"),
        ("02/a.mrg", "02/a.mrg.gz"),
    ],
)
def test_trees_that_are_there_twice_are_refused(prepare, write, names):
    for name in names:
        write(name, gzip.compress(DOG.encode()) if name.endswith(".gz") else DOG)
    with pytest.raises(UserError, match="There are both .*Keep one of them"):
        prepare("bracketed_trees")
