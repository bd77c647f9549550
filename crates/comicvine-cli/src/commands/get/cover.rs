//! The cover of a resource: in the terminal, or in the browser.

use std::io::{self, IsTerminal, Write};

use clap::Args;
use comicvine_client::{Image, ImageFile};
use serde::Deserialize;
use serde_json::Value;
use store_core::Priority;
use tokio::task::spawn_blocking;
use tracing::debug;
use url::Url;

use super::target::Target;
use crate::error::Error;
use crate::inline_image::{self, Protocol};
use crate::options::OutputFormat;
use crate::output;
use crate::session::Session;

const OPEN_HELP: &str = "--open shows it in the browser";

/// What the site has in place of an image.
const PLACEHOLDER: &str = "blank.png";

#[derive(Args, Debug)]
pub(super) struct CoverOptions {
    /// Show its image below, in a terminal that can, such as kitty, iTerm2, Konsole or foot. One that is not
    /// recognised needs its protocol: `--image=kitty`, `--image=iterm2` or `--image=sixel`.
    #[arg(long, value_name = "PROTOCOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "auto", hide_possible_values = true)]
    image: Option<Choice>,
    /// Open its image in the browser.
    #[arg(long)]
    open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Choice {
    Auto,
    Kitty,
    Iterm2,
    Sixel,
}

/// What is done with the cover.
#[derive(Debug)]
pub(super) struct Cover {
    protocol: Option<Protocol>,
    is_opened: bool,
    is_refreshed: bool,
}

/// The image of any resource.
#[derive(Deserialize)]
struct WithImage {
    #[serde(default)]
    image: Value,
}

impl CoverOptions {
    /// Fails if the image cannot be shown here, before a request is spent.
    pub(super) fn check(self, format: OutputFormat, is_refreshed: bool) -> Result<Cover, Error> {
        let protocol = self.image.map(protocol).transpose()?;
        if protocol.is_some() && format != OutputFormat::Table {
            return Err(Error::usage(
                "--image shows the image below a table; leave --output out, or use --open",
            ));
        }
        Ok(Cover {
            protocol,
            is_opened: self.open,
            is_refreshed,
        })
    }
}

fn protocol(choice: Choice) -> Result<Protocol, Error> {
    match choice {
        Choice::Kitty => Ok(Protocol::Kitty),
        Choice::Iterm2 => Ok(Protocol::Iterm2),
        Choice::Sixel => Ok(Protocol::Sixel),
        Choice::Auto if !io::stdout().is_terminal() => Err(Error::usage(
            "--image shows the image in a terminal, and the output is none; write what its reader understands, \
             such as --image=sixel, or use --open",
        )),
        Choice::Auto => Protocol::detect(|name| std::env::var(name).ok()).ok_or_else(|| {
            Error::usage(
                "--image: this terminal is not known to show images; if it does, name its protocol with \
                 --image=kitty, --image=iterm2 or --image=sixel, else use --open",
            )
        }),
    }
}

impl Cover {
    /// Shows the cover of what has just been printed.
    pub(super) async fn show(
        self,
        session: &Session,
        target: &Target,
        priority: Priority,
    ) -> Result<(), Error> {
        if self.protocol.is_none() && !self.is_opened {
            return Ok(());
        }
        // Whole, whatever fields were printed; it was cached a moment ago.
        let resource = session
            .comics
            .get::<WithImage>(target.kind, target.id)
            .priority(priority)
            .await?;
        let Some(image) = resource.value.real_image() else {
            output::print_notice("it has no image");
            return Ok(());
        };
        if let Some(protocol) = self.protocol
            && let Some(url) = for_terminal(&image)
        {
            session.progress.begin("waiting for the image");
            let mut request = session.comics.image(url).priority(priority);
            if self.is_refreshed {
                request = request.refresh();
            }
            let file = request.await;
            session.progress.finish();
            print(protocol, file?).await?;
        }
        if self.is_opened
            && let Some(url) = for_browser(&image)
        {
            open(url)?;
        }
        Ok(())
    }
}

impl WithImage {
    /// The image, unless it is a placeholder. What is no image is as good as none.
    fn real_image(self) -> Option<Image> {
        let image: Image = serde_json::from_value(self.image).ok()?;
        let is_real = !for_browser(&image)?.ends_with(PLACEHOLDER);
        is_real.then_some(image)
    }
}

fn for_terminal(image: &Image) -> Option<&str> {
    let sizes = [&image.medium_url, &image.screen_url, &image.original_url];
    sizes.into_iter().find_map(Option::as_deref)
}

fn for_browser(image: &Image) -> Option<&str> {
    let sizes = [&image.original_url, &image.super_url, &image.medium_url];
    sizes.into_iter().find_map(Option::as_deref)
}

async fn print(protocol: Protocol, file: ImageFile) -> Result<(), Error> {
    let encoded = spawn_blocking(move || inline_image::encode(protocol, &file.bytes)).await;
    let encoded = encoded.map_err(Error::failed)?;
    let encoded = encoded.map_err(|error| Error::failed(error).with_help(OPEN_HELP))?;
    let mut out = io::stdout().lock();
    out.write_all(&encoded)?;
    Ok(writeln!(out)?)
}

/// Opens an address of the web, and nothing else, with the system's program for it.
fn open(url: &str) -> Result<(), Error> {
    let parsed = Url::parse(url).ok();
    let Some(url) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return Err(Error::CheckFailed(format!(
            "what is given as the image's url is none: {url:?}"
        )));
    };
    output::print_notice(&format!("opening {url}"));
    open::that_detached(url.as_str()).map_err(|error| {
        debug!(%error, "nothing opened it");
        Error::CheckFailed(
            "no program here opens web pages; open the address above in a browser".to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use comicvine_client::RawJson;

    use super::*;

    #[test]
    fn what_is_no_image_is_none() {
        for (json, expected) in [
            (r#"{"image":[]}"#, None),
            (r#"{"image":false}"#, None),
            (r#"{"image":"no"}"#, None),
            (r#"{"image":null}"#, None),
            (r#"{"image":{"original_url":false}}"#, None),
            (r#"{"image":{"original_url":"https://x/blank.png"}}"#, None),
            ("{}", None),
            (
                r#"{"image":{"super_url":"https://x/a.jpg"}}"#,
                Some("https://x/a.jpg"),
            ),
        ] {
            let resource: WithImage = RawJson::parse(json).unwrap().decode().unwrap();
            let image = resource.real_image();
            assert_eq!(image.as_ref().and_then(for_browser), expected, "{json}");
        }
    }
}
