//! Expressions: `#name` stands for the attribute `name`, `:name` for a value that is given.
//!
//! Every attribute is written with its mark, so that no name collides with DynamoDB's reserved words;
//! what the marks stand for is read off the text.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::SchemaNames;

/// Values by the names that expressions use for them, colon included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Values(HashMap<String, AttributeValue>);

impl Values {
    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// As the client wants them: nothing instead of none.
    pub(super) fn given(self) -> Option<HashMap<String, AttributeValue>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// The attributes that `texts` mention; `#PK`, `#SK` and `#TTL` are called what the table calls them.
pub(super) fn mentioned<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    names: &SchemaNames,
) -> Option<HashMap<String, String>> {
    let mut mentioned = HashMap::new();
    for text in texts {
        for part in text.split('#').skip(1) {
            let end = part
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(part.len());
            let name = &part[..end];
            let attribute = match name {
                "PK" => &names.partition_key,
                "SK" => &names.sort_key,
                "TTL" => &names.time_to_live,
                other => other,
            };
            mentioned.insert(format!("#{name}"), attribute.to_owned());
        }
    }
    (!mentioned.is_empty()).then_some(mentioned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mark_stands_for_its_attribute() {
        let names = SchemaNames::default().with_partition_key("hash");
        let found = mentioned(
            ["SET #v = #v + :one", "attribute_exists(#PK) AND #l0<:x"],
            &names,
        );
        let mut found: Vec<_> = found.unwrap().into_iter().collect();
        found.sort();
        let pairs = [("#PK", "hash"), ("#l0", "l0"), ("#v", "v")];
        assert_eq!(
            found,
            pairs.map(|(mark, name)| (mark.to_owned(), name.to_owned()))
        );
        assert_eq!(mentioned([""], &names), None);
    }
}
