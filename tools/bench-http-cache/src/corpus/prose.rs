//! Invented English: words as frequent as their rank says, and names.

use store_core::Random as _;
use store_core::backend::SeededRandom;

/// Frequent words first.
const WORDS: &str = "the of and to a in is that his he it with as for was on her by from at who they \
    she this but an their has not him are when which one after into out up been had be them all \
    back have two before will while then more only where there other no through over now would what \
    can time first about down against must new story world years city police night another begins \
    takes finds young man woman himself between life death power own team old named attack during \
    help fight most being off again however under away long last home later father son mother escape \
    tells once three since until because even using both still villain hero stop home day save \
    mysterious becomes makes himself turns returns learns discovers battle secret enemy army planet \
    soldiers island future order control machine killer friend friends brother sister king queen \
    lantern keeper harbour doctor professor captain agent detective robot alien monster creature \
    dragon sword magic ancient temple jungle desert ocean mountain castle bridge tower street market \
    letter photograph newspaper reporter editor student teacher scientist laboratory experiment \
    formula accident explosion fire storm winter summer midnight morning yesterday tomorrow \
    forgotten hidden broken burning frozen silent wounded captured rescued betrayed defeated \
    destroyed revealed remembered promised threatened warned believed refused agreed decided arrived \
    departed vanished appeared attacked defended followed watched waited searched answered whispered \
    shouted laughed cried smiled trembled struggled climbed jumped crashed landed sailed wandered \
    gathered divided united challenged demanded offered accepted rejected trusted suspected accused \
    arrested imprisoned released exiled crowned married buried awakened transformed possessed cursed \
    blessed healed poisoned drowned stranded shipwreck expedition caravan fortress dungeon labyrinth \
    prophecy legend chronicle anthology reprint cover pencils inks colours letters script variant \
    edition publisher imprint sequel origin identity costume shield gauntlet amulet crystal reactor \
    satellite starship colony empire rebellion resistance senate council parliament embassy \
    conspiracy blackmail ransom evidence testimony verdict sentence witness alibi motive disguise \
    ambush siege duel truce alliance treaty surrender victory sacrifice funeral memorial inheritance";

const NAMES: [&str; 48] = [
    "Adler", "Amara", "Barlow", "Beatrix", "Calder", "Cass", "Dagmar", "Dorian", "Edda", "Ellis",
    "Farrow", "Finch", "Galen", "Greta", "Hollis", "Hugo", "Imre", "Ines", "Jarrow", "Juno",
    "Kestrel", "Kit", "Lorne", "Lucan", "Maren", "Mercer", "Nadir", "Nell", "Odile", "Orrin",
    "Pascoe", "Petra", "Quill", "Quinn", "Roper", "Runa", "Sable", "Soren", "Tamsin", "Thorne",
    "Ulric", "Una", "Vance", "Vesper", "Wren", "Wystan", "Yara", "Zephyr",
];

thread_local! {
    static LIST: Vec<&'static str> = WORDS.split_whitespace().collect();
}

/// Adds sentences until the text is `end` bytes long or a little more.
pub(super) fn prose(text: &mut String, random: &SeededRandom, end: usize) {
    LIST.with(|words| {
        let mut is_start = true;
        while text.len() < end {
            let number = random.next_u64();
            let word = words.get(rank(number, words.len())).copied();
            let mut letters = word.unwrap_or_default().chars();
            if is_start {
                text.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            }
            text.push_str(letters.as_str());
            is_start = number.is_multiple_of(13);
            text.push_str(match number % 13 {
                0 => ". ",
                1 => ", ",
                _ => " ",
            });
        }
    });
}

/// A rank below `words`, the lower the more probable: nearly Zipf's law.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 0 and the number of words"
)]
fn rank(number: u64, words: usize) -> usize {
    let [.., low, high] = number.to_le_bytes();
    let unit = f64::from(u16::from_le_bytes([low, high])) / f64::from(u16::MAX);
    let words = f64::from(u32::try_from(words).unwrap_or(u32::MAX));
    (words.powf(unit) - 1.0) as usize
}

/// A name of two words.
pub(super) fn name(random: &SeededRandom) -> String {
    let [first, last, ..] = random.next_u64().to_le_bytes();
    let part = |number: u8| NAMES[usize::from(number) % NAMES.len()];
    format!("{} {}", part(first), part(last))
}
