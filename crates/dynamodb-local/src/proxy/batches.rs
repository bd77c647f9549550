//! Batches split in two: a half that is forwarded and a half that is returned as unprocessed.

use serde_json::{Map, Value};

/// The two kinds of batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Batch {
    Get,
    Write,
}

impl Batch {
    pub(super) fn of(operation: &str) -> Option<Self> {
        match operation {
            "BatchGetItem" => Some(Self::Get),
            "BatchWriteItem" => Some(Self::Write),
            _ => None,
        }
    }

    const fn leftovers(self) -> &'static str {
        match self {
            Self::Get => "UnprocessedKeys",
            Self::Write => "UnprocessedItems",
        }
    }

    /// Leaves half of each table's part in `request` and returns the rest, by table; nothing if there
    /// is no table with two or more.
    pub(super) fn split(self, request: &mut Value) -> Option<Map<String, Value>> {
        let tables = request.get_mut("RequestItems")?.as_object_mut()?;
        let mut left = Map::new();
        for (table, part) in tables {
            let mut rest = part.clone();
            if let (Some(kept), Some(rest)) = (self.list(part), self.list(&mut rest))
                && kept.len() > 1
            {
                let half = kept.len() / 2;
                kept.truncate(half);
                rest.drain(..half);
            } else {
                continue;
            }
            left.insert(table.clone(), rest);
        }
        (!left.is_empty()).then_some(left)
    }

    /// Adds `left` to what the server has left itself.
    pub(super) fn add_leftovers(self, answer: &mut Value, left: Map<String, Value>) {
        let Some(answer) = answer.as_object_mut() else {
            return;
        };
        let all = answer.entry(self.leftovers()).or_insert(Value::Null);
        if !all.is_object() {
            *all = Value::Object(Map::new());
        }
        for (table, mut part) in left {
            let there = all.get_mut(&table);
            match (there.and_then(|it| self.list(it)), self.list(&mut part)) {
                (Some(there), Some(more)) => there.append(more),
                _ => all[&table] = part,
            }
        }
    }

    /// The list in a table's part.
    fn list(self, part: &mut Value) -> Option<&mut Vec<Value>> {
        match self {
            Self::Get => part.get_mut("Keys")?.as_array_mut(),
            Self::Write => part.as_array_mut(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn half_of_a_batch_is_left_and_all_of_it_comes_back() {
        let mut request = json!({ "RequestItems": {
            "a": { "Keys": [1, 2, 3], "ConsistentRead": true },
            "b": { "Keys": [4] },
        } });
        let left = Batch::Get.split(&mut request).unwrap();
        assert_eq!(request["RequestItems"]["a"]["Keys"], json!([1]));
        assert_eq!(request["RequestItems"]["b"]["Keys"], json!([4]));
        let mut answer = json!({ "UnprocessedKeys": { "a": { "Keys": [9] } } });
        Batch::Get.add_leftovers(&mut answer, left);
        assert_eq!(answer["UnprocessedKeys"]["a"]["Keys"], json!([9, 2, 3]));
    }

    #[test]
    fn a_batch_of_one_is_not_cut() {
        let mut request = json!({ "RequestItems": { "a": [1] } });
        assert_eq!(Batch::Write.split(&mut request), None);
    }
}
