//! The format of an image, by the first bytes of the file.

/// The format of an image file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageFormat {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
    /// WebP.
    WebP,
}

impl ImageFormat {
    /// The `Accept` header for these formats, without which a server may choose another one.
    pub(crate) const ACCEPT: &str = "image/jpeg, image/png, image/gif, image/webp";

    /// The format of `file`; `None` if it is none of these, such as a web page.
    ///
    /// ```
    /// use comicvine_client::ImageFormat;
    ///
    /// assert_eq!(ImageFormat::of(b"\x89PNG\r\n\x1a\n..."), Some(ImageFormat::Png));
    /// assert_eq!(ImageFormat::of(b"<!doctype html>"), None);
    /// ```
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            _ => None,
        }
    }

    /// Whether `file` has the end that its format asks for; a file that was cut off has none.
    pub(crate) fn is_whole(self, file: &[u8]) -> bool {
        let length = u32::try_from(file.len()).unwrap_or(u32::MAX);
        // Some programs pad files with zeros.
        let end = file.iter().rposition(|byte| *byte != 0);
        let file = end.map_or(file, |last| &file[..=last]);
        match self {
            Self::Jpeg => file.ends_with(&[0xff, 0xd9]),
            Self::Png => file.ends_with(b"IEND\xae\x42\x60\x82"),
            Self::Gif => file.ends_with(b";"),
            Self::WebP => match file.get(4..8).map(<[u8; 4]>::try_from) {
                // It counts what is behind it.
                Some(Ok(counted)) => u32::from_le_bytes(counted) <= length.saturating_sub(8),
                _ => false,
            },
        }
    }

    /// The media type: `image/jpeg`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::WebP => "image/webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_that_was_cut_off_is_not_whole() {
        let png = b"\x89PNG\r\n\x1a\n....IEND\xae\x42\x60\x82";
        assert!(ImageFormat::Png.is_whole(png));
        assert!(!ImageFormat::Png.is_whole(&png[..png.len() - 1]));
        assert!(!ImageFormat::Png.is_whole(&png[..8]));
        assert!(ImageFormat::Jpeg.is_whole(b"\xff\xd8\xff..\xff\xd9\x00\x00"));
        assert!(!ImageFormat::Jpeg.is_whole(b"\xff\xd8\xff.."));
        assert!(ImageFormat::Gif.is_whole(b"GIF89a..;"));
        assert!(ImageFormat::WebP.is_whole(b"RIFF\x08\x00\x00\x00WEBPVP8 "));
        assert!(!ImageFormat::WebP.is_whole(b"RIFF\x99\x00\x00\x00WEBPVP8 "));
    }

    #[test]
    fn format_is_told_by_the_first_bytes_and_shorter_files_have_none() {
        let files: [(&[u8], _); 4] = [
            (b"\xff\xd8\xff\xe0", ImageFormat::Jpeg),
            (b"\x89PNG\r\n\x1a\n", ImageFormat::Png),
            (b"GIF89a", ImageFormat::Gif),
            (b"RIFF\x00\x00\x00\x00WEBP", ImageFormat::WebP),
        ];
        for (file, format) in files {
            assert_eq!(ImageFormat::of(file), Some(format));
            assert!(ImageFormat::ACCEPT.contains(format.media_type()));
            for end in 0..file.len().min(3) {
                assert_eq!(ImageFormat::of(&file[..end]), None);
            }
        }
        assert_eq!(ImageFormat::of(b"RIFF\x00\x00\x00\x00WAVE"), None);
    }
}
