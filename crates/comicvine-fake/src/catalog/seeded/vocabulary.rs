//! The words of generated names and texts.

pub(crate) const ADJECTIVES: [&str; 40] = [
    "Amber",
    "Brass",
    "Crimson",
    "Distant",
    "Ebon",
    "Frozen",
    "Gilded",
    "Hollow",
    "Iron",
    "Jade",
    "Kindred",
    "Lunar",
    "Midnight",
    "Nimble",
    "Obsidian",
    "Pale",
    "Quiet",
    "Restless",
    "Silver",
    "Thunder",
    "Umber",
    "Violet",
    "Wandering",
    "Young",
    "Zealous",
    "Ancient",
    "Broken",
    "Clever",
    "Drowned",
    "Endless",
    "Fearless",
    "Ghostly",
    "Hidden",
    "Ivory",
    "Jagged",
    "Last",
    "Marble",
    "Northern",
    "Outer",
    "Scarlet",
];

pub(crate) const NOUNS: [&str; 40] = [
    "Falcon",
    "Harbor",
    "Lantern Bearer",
    "Marshal",
    "Oracle",
    "Pilot",
    "Ranger",
    "Sentinel",
    "Tinker",
    "Voyager",
    "Warden",
    "Comet",
    "Fox",
    "Golem",
    "Herald",
    "Ibis",
    "Jackal",
    "Keeper",
    "Lark",
    "Mason",
    "Nomad",
    "Otter",
    "Piper",
    "Quill",
    "Raven",
    "Smith",
    "Tempest",
    "Urchin",
    "Vandal",
    "Weaver",
    "Archer",
    "Beacon",
    "Corsair",
    "Drifter",
    "Émigré",
    "Forge",
    "Gardener",
    "Hammer",
    "Inventor",
    "Juggler",
];

pub(crate) const FIRST_NAMES: [&str; 30] = [
    "Ada", "Bram", "Carla", "Dov", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jonas", "Kaya",
    "Lior", "Mina", "Nils", "Olga", "Pavel", "Quinn", "Rosa", "Sven", "Tala", "Ugo", "Vera", "Wim",
    "Xenia", "Yusuf", "Zoë", "Anouk", "Björn", "Chidi", "Dalia",
];

pub(crate) const LAST_NAMES: [&str; 40] = [
    "Abbot", "Brandt", "Castel", "Dahl", "Eklund", "Ferrer", "Grau", "Holm", "Ivers", "Jansen",
    "Kessler", "Lund", "Moreau", "Novak", "Okafor", "Pereira", "Quist", "Rossi", "Sato", "Tamm",
    "Urban", "Vidal", "Weiss", "Xu", "Yilmaz", "Zeller", "Almeida", "Berg", "Costa", "Demir",
    "Ende", "Falk", "Gomes", "Hansen", "Ito", "Juhl", "Klein", "Larsen", "Meyer", "Núñez",
];

pub(crate) const ORIGINS: [&str; 10] = [
    "Mutant",
    "Cyborg",
    "Alien",
    "Human",
    "Robot",
    "Radiation",
    "God/Eternal",
    "Animal",
    "Other",
    "Infection",
];

pub(crate) const VIDEO_CATEGORIES: [&str; 8] = [
    "Review",
    "Trailer",
    "Feature",
    "Unboxing",
    "Interview",
    "Podcast",
    "Drawing Lesson",
    "Quiz",
];

pub(crate) const ROLES: [&str; 7] = [
    "writer",
    "penciler",
    "penciler, inker",
    "colorist",
    "letterer",
    "editor",
    "artist, cover",
];

pub(crate) const CITIES: [&str; 6] = [
    "Port Amber",
    "Neustadt",
    "Lakeview",
    "Old Mill",
    "São Bento",
    "Greyhaven",
];

pub(crate) const VERBS: [&str; 8] = [
    "meets", "betrays", "rescues", "hunts", "outwits", "mourns", "follows", "forgives",
];

/// Issue numbers that are not plain integers.
pub(crate) const IRREGULAR_NUMBERS: [&str; 5] = ["½", "1987-10", "1 [2]", "0", "1.5"];
