"""Wrong decoding is recognised and repaired for every page, and correct text is unchanged."""

import json

import pytest

from topores.text.code_pages import CODE_PAGES, code_page
from topores.text.encoding import diagnose, repair

GOOD = {
    "French": "L’été dernier, la forêt était très sèche. « Où êtes-vous ? » : « À l’hôtel… ». 50 € à Noël, cœur naïf.",
    "German": "Über den Flüssen läuft ein Weg. „Ärger gibt’s überall“, sagte sie – die Straße ist schön. 3 × 4 m².",
    "Polish": "Zażółć gęślą jaźń. Wczoraj poszedłem do sklepu, żeby kupić chleb, mąkę i śmietanę. Łódź jest piękna.",
    "Czech": "Příliš žluťoučký kůň úpěl ďábelské ódy. Řeka teče přes město a děti si hrají v zahradě.",
    "Turkish": "Güneş doğdu, çocuklar bahçede oynuyor. İstanbul’da yağmur yağıyor, ışık az.",
    "Romanian": "Într-o zi însorită fata a cumpărat pâine și brânză. Literele „Â”, „Î” și „Ă” sunt vocale.",
    "Portuguese": "A manhã está fria, não há pão. “IRMÔ e “MANHÔ… O coração é vão.",
    "Finnish": "HEIKKILÄ¹, MÄKELÄ² ja KYLÄ³ löysivät pöydältä äidin hyvän kakun.",
    "Spanish": "El niño soñó con un pingüino. —Él llegó mañana. La letra “Ñ”. ¡Así es!",
    "Greek": "Η γρήγορη αλεπού πηδάει πάνω από το τεμπέλικο σκυλί. Τι κάνετε σήμερα;",
    "Ukrainian": "Її діти їдять яблука. Ні, ті люди з’їхали вчора. Ці ґанки — наші! Фонв’єй. «Добрий день».",
    "Serbian": "Љубав је лепа. Њега је чувао ђак Џорџ. ПостСкрипт, ЂАК, ЋУП.",
    "Russian": "—А ты? –Я тоже. «Группа В», 220 В±10 %, 12 кВ·А, КредитАвто, путь А–Б–В–Г–Д–Е, в\xa0доме, С\xa0John.",
    "Vietnamese": "Tiếng Việt là ngôn ngữ của người Việt. Hôm nay trời đẹp, chúng tôi đi chợ mua rau và cá.",
    "Chinese": "中文是世界上使用人数最多的语言，它的历史很长。今天我们学习中文！",
    "Japanese": "日本語の文章をここに書きます。今日は天気がいいですね。",
    "Korean": "한국어는 한반도에서 쓰는 언어입니다. 오늘은 날씨가 좋네요.",
    "Arabic": "اللغة العربية جميلة جدا، وأنا أدرسها كل يوم. هل تتكلم العربية؟",
    "Hebrew": "השפה העברית יפה מאוד ואני לומד אותה כל יום.",
    "Hindi": "हिन्दी भारत की एक प्रमुख भाषा है। आज मौसम अच्छा है।",
    "science": "A surface of 1200 Å², 3.2 Å–4 Å apart at 12 kÅ³, 37 °C; 5 µm; 2√π, x√∞; 10 × 3; p ≤ 5; naïve “café”.",
    "names": "JOSɲ, ANDRɹ, MUÑOZ³, CAFÉ™ ®, É® Ö¹, Nestlé®, Škoda®, IRMÃ®, SKOLÄ™, «myÅ», 5 £, 10 ¢",
    "drawn": "┌──┬──┐\n│a │ b│\n├──┼──┤\n└──┴──┘\n├── file\n╔═╗ ▓▒░ ─│─│─│ █▓█▒█░",
}
ENGLISH = {
    "cafÃ©": "café", "donâ€™t": "don’t", "5Â°C": "5°C", "3 Ã\x97 4": "3 × 4", "Ã‰cole": "École", "p â‰¤ 5": "p ≤ 5",
    "wordÂ\xa0word": "word\xa0word", "naÃ¯ve": "naïve", "Å\x81Ã³dÅº": "Łódź", "cafГ©": "café", "вЂњyesвЂќ": "“yes”",
    "caf√©": "café", "don‚Äôt": "don’t", "caf├⌐": "café", "donΓÇÖt": "don’t", "ð\x9f\x98\x80": "😀", "рџ™‚": "🙂",
    "ï»¿a": "\ufeffa",
}  # fmt: skip


def russian_sentences(real_texts) -> list[str]:
    lines = (real_texts / "russian" / "tatoeba_rus_eng.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["ru"] for line in lines]


@pytest.mark.parametrize("language", GOOD)
def test_good_text_is_left_alone(language: str) -> None:
    assert diagnose(GOOD[language]) is None
    assert repair(GOOD[language]) == GOOD[language]


def test_the_real_texts_are_good(real_texts) -> None:
    for path in [*real_texts.rglob("*.txt"), *real_texts.rglob("*.jsonl")]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".jsonl":
            text = "\n".join(str(value) for line in text.splitlines() for value in json.loads(line).values())
        assert diagnose(text) is None, path


@pytest.mark.parametrize("page", CODE_PAGES)
def test_every_language_comes_back_from_every_page(page: str) -> None:
    good = "\n".join(GOOD.values())
    damaged = code_page(page).misread(good)
    damage = diagnose(damaged)
    assert damage is not None
    assert damage.code_page == page
    assert repair(damaged) == good


@pytest.mark.parametrize("page", CODE_PAGES)
def test_russian_sentences(page: str, real_texts) -> None:
    sentences = russian_sentences(real_texts)[:30]
    whole = "\n".join(sentences)
    damaged = code_page(page).misread(whole)
    damage = diagnose(damaged)
    assert (damage.code_page, damage.damaged, damage.lines) == (page, len(sentences), len(sentences))
    assert repair(damaged) == whole


def test_a_thousand_russian_sentences(real_texts) -> None:
    whole = "\n".join(russian_sentences(real_texts))
    assert repair(code_page("cp1251").misread(whole)) == whole


@pytest.mark.parametrize("page", ["cp1252", "latin-1", "cp1251", "cp866", "koi8-r", "mac_roman"])
def test_russian_sentences_one_at_a_time(page: str, real_texts) -> None:
    # A sentence of a few short words may hold no sure sign: 3 of the 1000 at most, through these pages.
    sentences = russian_sentences(real_texts)[::20]
    assert sum(repair(code_page(page).misread(sentence)) != sentence for sentence in sentences) <= 1


@pytest.mark.parametrize("page", CODE_PAGES)
def test_a_few_damaged_lines_among_good_ones(page: str, real_texts) -> None:
    sentences = russian_sentences(real_texts)[:60]
    mixed = list(sentences)
    for i in (20, 40, 41):
        mixed[i] = code_page(page).misread(mixed[i])
    damage = diagnose("\n".join(mixed))
    assert (damage.code_page, damage.damaged, damage.lines) == (page, 3, 60)
    assert repair("\n".join(mixed)) == "\n".join(sentences)


@pytest.mark.parametrize("inner", ["cp1252", "cp1251", "koi8-r", "mac_roman"])
@pytest.mark.parametrize("outer", ["cp1252", "latin-1", "cp1251", "cp437"])
def test_double_damage(inner: str, outer: str) -> None:
    good = "\n".join(GOOD[language] for language in ("Russian", "French", "Polish"))
    assert repair(code_page(outer).misread(code_page(inner).misread(good))) == good


@pytest.mark.parametrize("seen", ENGLISH)
def test_one_damaged_word_in_english(seen: str) -> None:
    text = f"The trial said so.\nThere was {seen} in the text, and more."
    assert diagnose(text).damaged == 1
    assert repair(text) == text.replace(seen, ENGLISH[seen])


def test_damage_beside_good_accents() -> None:
    good = "Un café crème, déjà servi.\nMon élève naïf a reçu l’œuvre."
    seen = "Un café crème, déjà servi.\n" + code_page("cp1252").misread("Mon élève naïf a reçu l’œuvre.")
    assert repair(seen) == good


@pytest.mark.parametrize("said", ["привет, как дела?", "да, я не приду", "он в 9 у моста"])
def test_damage_within_a_line_of_good_russian(said: str) -> None:
    assert repair("[12:03] Иван: " + code_page("cp1251").misread(said)) == f"[12:03] Иван: {said}"


@pytest.mark.parametrize(("page", "lost", "kept"), [("cp1251", "\xa0", " "), ("cp1251", "\x98", "\ufffd")])
def test_bytes_that_tools_lost_are_put_back(page: str, lost: str, kept: str) -> None:
    good = "Россия и Рим. Из Ростова, Иван!\nИ вот."
    assert repair(code_page(page).misread(good).replace(lost, kept)) == good


def test_a_lost_hard_space_after_a_grave_accent() -> None:
    seen = code_page("cp1252").misread("Il est déjà à la forêt, voilà.").replace("\xa0", " ")
    assert repair(seen) == "Il est déjà à la forêt, voilà."


def test_the_sample_shows_the_same_words() -> None:
    damage = diagnose("All is well here.\n[12:03] " + code_page("cp1251").misread("Привет, мир"))
    assert (damage.damaged, damage.lines) == (1, 2)
    assert damage.sample_seen == "РџСЂРёРІРµС‚, РјРёСЂ"
    assert damage.sample_meant == "Привет, мир"


def test_the_sample_is_short_and_prints() -> None:
    damage = diagnose(code_page("latin-1").misread("Достопримечательности " * 20))
    assert len(damage.sample_seen) <= 80
    assert damage.sample_seen.isprintable()
