//! Chats, of which no response was ever recorded: raw JSON, without a model.

use crate::kind::{Entry, Field, Place, ResourceKind};
use crate::model::Image;

const fn field<T: crate::model::field::FieldValue>(name: &'static str, doc: &'static str) -> Field {
    Field::new::<T>(name, &[], Place::Both, doc)
}

pub(crate) static ENTRY: Entry = Entry {
    kind: ResourceKind::Chat,
    detail_path: "chat",
    list_path: "chats",
    prefix: 0,
    fields: &[
        field::<String>("title", "The title."),
        field::<String>("channel_name", "The name of the channel."),
        field::<String>("password", "The password."),
        field::<String>("deck", "A short summary."),
        field::<Option<Image>>("image", "The main image."),
        field::<String>("api_detail_url", "The URL of the resource in the API."),
        field::<String>("site_detail_url", "The URL of its page on the site."),
    ],
};
