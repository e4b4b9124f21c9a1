"""Speech: the Wall Street Journal corpora, LibriSpeech, your own Kaldi folders, and spoken
commands."""

from t2t_mm import registry
from t2t_mm.modalities.audio.spec import Audio
from t2t_mm.modalities.categorical.spec import Categorical
from t2t_mm.modalities.language.spec import Language
from t2t_mm.problem.base import Problem, Source


class Transcription(Problem):
    """From sound to the words spoken, in English."""

    raw_layout = "kaldi"
    input_key, target_key = "audio", "text"
    command = "to-english"
    inputs = Audio(sample_rate=16000)
    targets = Language(vocab="wmt_8k")
    metrics = ("wer", "cer")
    modifiers = ()


class WallStreetJournal(Transcription):
    """The Wall Street Journal corpora, read from Kaldi folders."""

    raw_folder = "wsj_speech"
    source = Source(
        "https://catalog.ldc.upenn.edu/LDC93S6A and https://catalog.ldc.upenn.edu/LDC94S13A",
        "LDC",
        "25 GB",
        by_hand="both corpora, as WAV or FLAC, described by Kaldi's egs/wsj recipe",
        free="librispeech",
    )


@registry.register_problem
class WsjSpeech(WallStreetJournal):
    """English speech recognition from log-mel spectrograms (WSJ, or your Kaldi folder)."""


@registry.register_problem
class WsjSpeechWaveform(WallStreetJournal):
    """English speech recognition from raw samples (WSJ, or your Kaldi folder)."""

    inputs = Audio(sample_rate=16000, form="waveform", time_stride=512)


@registry.register_problem
class Librispeech(Transcription):
    """English speech recognition from log-mel spectrograms (LibriSpeech, 960 hours of books)."""

    dataset = "librispeech/default"
    raw_layout = ""
    input_key = "speech"
    stock_splits = {
        "train": "train_clean100+train_clean360+train_other500",
        "validation": "dev_clean",
        "test": "test_clean",
    }
    source = Source("https://www.openslr.org/12", "CC BY 4.0", "61 GB")


@registry.register_problem
class SpeechCommands(Problem):
    """One of twelve spoken commands (Speech Commands v2)."""

    dataset = "speech_commands"
    input_key, target_key = "audio", "label"
    command = "to-spoken-command"
    inputs = Audio(sample_rate=16000)
    targets = Categorical(labels="speech_commands")
    modifiers = ()
    source = Source("https://arxiv.org/abs/1804.03209", "CC BY 4.0", "2.5 GB")
