//! Images: one picture for every URL, on this server instead of the site's.

use std::net::SocketAddr;

use bytes::Bytes;

/// The folder of images on the site.
pub(crate) const FOLDER: &str = "/a/uploads/";

/// The picture: a cover of 40 by 60 pixels.
pub(crate) const COVER: &[u8] = include_bytes!("cover.png");

/// The site whose URLs are in responses.
const SITE: &str = "https://comicvine.gamespot.com";

/// The images of a server.
#[derive(Debug)]
pub(crate) struct Images {
    /// The beginning of a URL on the site and on this server, as text and as JSON may escape it.
    moved: [(String, String); 2],
}

impl Images {
    /// Images on the server at `address`.
    pub(crate) fn at(address: SocketAddr) -> Self {
        let plain = (
            format!("{SITE}{FOLDER}"),
            format!("http://{address}{FOLDER}"),
        );
        let escaped = |url: &str| url.replace('/', r"\/");
        let moved = [(escaped(&plain.0), escaped(&plain.1)), plain];
        Self { moved }
    }

    /// The body of a response, in which the URLs of images lead to this server.
    pub(crate) fn lead_here(&self, body: &Bytes) -> Bytes {
        let Ok(text) = std::str::from_utf8(body) else {
            return body.clone();
        };
        let mut text = text.to_owned();
        for (site, here) in &self.moved {
            text = text.replace(site, here);
        }
        text.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_images_lead_here_and_others_stay() {
        let images = Images::at(SocketAddr::from(([127, 0, 0, 1], 8_080)));
        let body = r#"["https://comicvine.gamespot.com/a/uploads/x.jpg",
            "https:\/\/comicvine.gamespot.com\/a\/uploads\/y.jpg", "https://comicvine.gamespot.com/api/issue/1/"]"#;
        let moved = images.lead_here(&Bytes::from_static(body.as_bytes()));
        let expected = r#"["http://127.0.0.1:8080/a/uploads/x.jpg",
            "http:\/\/127.0.0.1:8080\/a\/uploads\/y.jpg", "https://comicvine.gamespot.com/api/issue/1/"]"#;
        assert_eq!(std::str::from_utf8(&moved).unwrap(), expected);
    }
}
