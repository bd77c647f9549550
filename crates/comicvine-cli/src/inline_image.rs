//! Images in a terminal, by the three protocols that terminals have for them.
//!
//! What the terminal understands is told by its environment: a question to the terminal would hang where nobody
//! answers, and swallow what the user types.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use icy_sixel::SixelImage;
use image::imageops::FilterType;
use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits};

/// The height of an image, in rows of the terminal.
const ROWS: u32 = 20;
/// The height of a row where pixels have to be counted: a multiple of the six that a sixel has.
const ROW_PIXELS: u32 = 18;
/// The greatest width of an image, in heights: a strip of one row of pixels would be as wide as the memory.
const MAX_WIDTH_IN_HEIGHTS: u32 = 4;
/// Larger images are no covers, but would fill the memory.
const MAX_SIDE_PIXELS: u32 = 10_000;
const MAX_DECODED_BYTES: u64 = 256 << 20;

/// The height to which a larger image is reduced for a terminal that scales it: 20 rows of a fine screen.
const MAX_SENT_HEIGHT: u32 = 960;

/// The longest payload of one escape sequence of kitty, by its documentation.
const KITTY_CHUNK: usize = 4_096;

/// A protocol for images in a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// Of kitty: <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.
    Kitty,
    /// Of iTerm2: <https://iterm2.com/documentation-images.html>.
    Iterm2,
    /// Of DEC's terminals.
    Sixel,
}

/// Why an image cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InlineImageError {
    #[error("the image cannot be decoded")]
    Decode(#[from] ImageError),
    #[error("the image cannot be converted to sixels")]
    Sixel(#[from] icy_sixel::SixelError),
}

impl Protocol {
    /// The protocol of the terminal with this environment. Multiplexers pass none of them on by default.
    pub(crate) fn detect(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let value = |name| variable(name).unwrap_or_default();
        let is_set = |name| !value(name).is_empty();
        let (term, program) = (value("TERM"), value("TERM_PROGRAM"));
        if is_set("TMUX") || is_set("STY") || term.starts_with("screen") || term.starts_with("tmux")
        {
            return None;
        }
        if is_set("KITTY_WINDOW_ID") || ["kitty", "ghostty"].iter().any(|name| term.contains(name))
        {
            return Some(Self::Kitty);
        }
        let iterm2 = [
            "iTerm.app",
            "WezTerm",
            "mintty",
            "WarpTerminal",
            "rio",
            "vscode",
        ];
        if iterm2.contains(&program.as_str())
            || value("LC_TERMINAL") == "iTerm2"
            || is_set("KONSOLE_VERSION")
        {
            return Some(Self::Iterm2);
        }
        let sixel = ["foot", "mlterm", "contour", "yaft"];
        let is_sixel = sixel.iter().any(|name| term.starts_with(name)) || is_set("WT_SESSION");
        is_sixel.then_some(Self::Sixel)
    }
}

/// The escape sequences that show the image in `file`, [`ROWS`] rows high.
pub(crate) fn encode(protocol: Protocol, file: &[u8]) -> Result<Vec<u8>, InlineImageError> {
    match protocol {
        Protocol::Kitty => {
            let image = decode(file)?;
            // The terminal scales it, by the pixels of its font.
            let image = if image.height() > MAX_SENT_HEIGHT {
                fit(&image, MAX_SENT_HEIGHT)
            } else {
                image
            };
            let mut png = Cursor::new(Vec::new());
            image.write_to(&mut png, ImageFormat::Png)?;
            Ok(kitty(png.get_ref()))
        }
        Protocol::Iterm2 => {
            // The terminal decodes the file itself.
            decode(file)?;
            Ok(iterm2(file))
        }
        Protocol::Sixel => sixel(&decode(file)?),
    }
}

fn decode(file: &[u8]) -> Result<DynamicImage, ImageError> {
    let reader = ImageReader::new(Cursor::new(file)).with_guessed_format();
    let mut reader = reader.map_err(ImageError::IoError)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE_PIXELS);
    limits.max_image_height = Some(MAX_SIDE_PIXELS);
    limits.max_alloc = Some(MAX_DECODED_BYTES);
    reader.limits(limits);
    reader.decode()
}

/// A PNG file in pieces, the first with its settings. `q=2`: the terminal does not answer.
fn kitty(png: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(png);
    let mut chunks = text.as_bytes().chunks(KITTY_CHUNK).peekable();
    let mut settings = format!("a=T,f=100,q=2,r={ROWS},");
    let mut encoded = Vec::new();
    while let Some(chunk) = chunks.next() {
        let has_more = u8::from(chunks.peek().is_some());
        encoded.extend(format!("\x1b_G{settings}m={has_more};").as_bytes());
        encoded.extend(chunk);
        encoded.extend(b"\x1b\\");
        settings.clear();
    }
    encoded
}

fn iterm2(file: &[u8]) -> Vec<u8> {
    let (size, text) = (file.len(), STANDARD.encode(file));
    let settings = format!("inline=1;preserveAspectRatio=1;size={size};height={ROWS}");
    format!("\x1b]1337;File={settings}:{text}\x07").into_bytes()
}

/// The image with this height, or lower if it is very wide.
fn fit(image: &DynamicImage, height: u32) -> DynamicImage {
    image.resize(height * MAX_WIDTH_IN_HEIGHTS, height, FilterType::Triangle)
}

fn sixel(image: &DynamicImage) -> Result<Vec<u8>, InlineImageError> {
    let pixels = fit(image, ROWS * ROW_PIXELS).into_rgba8();
    let side = |pixels| usize::try_from(pixels).unwrap_or(usize::MAX);
    let (width, height) = (side(pixels.width()), side(pixels.height()));
    let image = SixelImage::try_from_rgba(pixels.into_raw(), width, height)?;
    Ok(image.encode()?.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        // Noise, so that compression does not make one piece of it.
        let noise =
            |x: u32, y: u32| (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)).to_le_bytes();
        let pixels = image::RgbImage::from_fn(width, height, |x, y| {
            let [red, green, blue, _] = noise(x, y);
            image::Rgb([red, green, blue])
        });
        let mut file = Cursor::new(Vec::new());
        pixels.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    }

    fn detected(variables: &[(&str, &str)]) -> Option<Protocol> {
        Protocol::detect(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_known_by_their_environment_and_multiplexers_have_no_images() {
        let kitty = ("TERM", "xterm-kitty");
        assert_eq!(detected(&[kitty]), Some(Protocol::Kitty));
        assert_eq!(detected(&[kitty, ("TMUX", "socket,1,0")]), None);
        let iterm2 = ("TERM_PROGRAM", "iTerm.app");
        let xterm = ("TERM", "xterm-256color");
        assert_eq!(detected(&[xterm, iterm2]), Some(Protocol::Iterm2));
        assert_eq!(detected(&[("TERM", "foot")]), Some(Protocol::Sixel));
        assert_eq!(detected(&[xterm]), None);
        assert_eq!(detected(&[]), None);
    }

    #[test]
    fn kitty_gets_a_png_in_pieces_of_4096_bytes() {
        let file = png(60, 60);
        let shown = encode(Protocol::Kitty, &file).unwrap();
        let shown = String::from_utf8(shown).unwrap();
        let pieces: Vec<_> = shown.split_terminator("\x1b\\").collect();
        assert!(pieces.len() > 1);
        let mut text = String::new();
        for (index, piece) in pieces.iter().enumerate() {
            let (settings, chunk) = piece.split_once(';').unwrap();
            let more = u8::from(index + 1 < pieces.len());
            assert!(settings.ends_with(&format!("m={more}")), "{settings}");
            assert_eq!(settings.contains("a=T,f=100"), index == 0);
            assert!(chunk.len() <= 4_096);
            text.push_str(chunk);
        }
        let sent = STANDARD.decode(text).unwrap();
        let pixels = |file: &[u8]| decode(file).unwrap().to_rgb8();
        assert_eq!(pixels(&sent), pixels(&file));
    }

    #[test]
    fn iterm2_gets_the_file_as_it_is() {
        let file = png(4, 6);
        let shown = String::from_utf8(encode(Protocol::Iterm2, &file).unwrap()).unwrap();
        let text = shown.strip_suffix('\x07').unwrap();
        let (settings, text) = text.rsplit_once(':').unwrap();
        assert!(settings.starts_with("\x1b]1337;File=inline=1;"));
        assert!(settings.contains(&format!("size={}", file.len())));
        assert_eq!(STANDARD.decode(text).unwrap(), file);
    }

    #[test]
    fn sixels_are_twenty_rows_high_and_keep_the_proportions() {
        let shown = encode(Protocol::Sixel, &png(40, 60)).unwrap();
        let decoded = SixelImage::decode(&shown).unwrap();
        assert_eq!((decoded.width, decoded.height), (240, 360));
    }

    #[test]
    fn strip_is_no_wider_than_four_heights_and_a_poster_is_reduced() {
        let shown = encode(Protocol::Sixel, &png(9_000, 1)).unwrap();
        let decoded = SixelImage::decode(&shown).unwrap();
        assert_eq!((decoded.width, decoded.height), (1_440, 6));
        let poster = decode(&png(1_200, 1_800)).unwrap();
        let reduced = fit(&poster, MAX_SENT_HEIGHT);
        assert_eq!((reduced.width(), reduced.height()), (640, 960));
        let small = encode(Protocol::Kitty, &png(1_200, 1_800)).unwrap();
        assert!(small.len() < encode(Protocol::Iterm2, &png(1_200, 1_800)).unwrap().len());
    }

    #[test]
    fn what_is_no_image_or_too_large_is_an_error_in_every_protocol() {
        let mut vast = png(1, 1);
        vast[16..20].copy_from_slice(&MAX_SIDE_PIXELS.saturating_add(1).to_be_bytes());
        for protocol in [Protocol::Kitty, Protocol::Iterm2, Protocol::Sixel] {
            for file in [b"<!doctype html>".as_slice(), b"\x89PNG\r\n\x1a\n", &vast] {
                assert!(encode(protocol, file).is_err());
            }
        }
    }
}
