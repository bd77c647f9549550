//! Promotions on the site's front page.

use crate::model::{DateTime, Image, Parsed, resource};

resource! {
    /// A promo, in full: the resource of `promo/1700-…`.
    Promo,
    /// A promo as a row of `promos`.
    PromoRow,
    /// The id of a promo, `1700-…`.
    PromoId,
    paths: promo / promos;
    prefix: 1700;
    both {
        /// Its id.
        id: PromoId [sort filter];
        /// The title.
        name: String [sort filter];
        /// A short summary.
        deck: Option<String>;
        /// The main image.
        image: Option<Image>;
        /// The URL that it promotes.
        link: Option<String>;
        /// The kind of what it promotes: `article`.
        resource_type: Option<String>;
        /// The user of the site who added it.
        user: Option<String>;
        /// When it was added to the site.
        date_added: Option<Parsed<DateTime>> [sort filter];
        /// The URL of the resource in the API.
        api_detail_url: Option<String>;
    }
    detail {
        /// The id with its prefix: `1700-1763`.
        guid: Option<String>;
    }
    row {
    }
}
