//! Lists and searches that go on where another program stopped.

use comicvine_client::{ComicVine, ListRequest, Page, Position, RawJson, ResourceKind, SearchHit};
use futures_util::{StreamExt, TryStreamExt};

use crate::{client, fake};

type Rows = Vec<String>;

fn texts(rows: &[RawJson]) -> impl Iterator<Item = String> {
    rows.iter().map(|row| row.get().to_owned())
}

/// The same list, a page at a time, each by a client that knows no more than the position as text.
async fn by_positions(
    clients: impl Fn() -> ComicVine,
    request: impl Fn(&ComicVine) -> ListRequest<RawJson>,
) -> Rows {
    let (mut rows, mut kept) = (Vec::new(), None::<String>);
    loop {
        let mut request = request(&clients());
        if let Some(kept) = &kept {
            let position: Position = serde_json::from_str(kept).unwrap();
            request = request.resume_at(position);
        }
        let page = request.pages().next().await.unwrap().unwrap().value;
        rows.extend(texts(&page.rows));
        match page.next {
            Some(next) => kept = Some(serde_json::to_string(&next).unwrap()),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn list_by_positions_is_the_list() {
    let fake = fake().await;
    let list = |client: &ComicVine| client.list::<RawJson>(ResourceKind::Volume);
    let whole = list(&client(&fake)).all().await.unwrap();
    let whole: Rows = texts(&whole).collect();
    assert!(whole.len() > 200, "{}", whole.len());
    assert_eq!(by_positions(|| client(&fake), list).await, whole);
    // With a limit that ends within a page.
    let limited = |client: &ComicVine| list(client).page_size(100).limit(130);
    let first: Vec<Page<RawJson>> = limited(&client(&fake))
        .pages()
        .map_ok(|response| response.value)
        .try_collect()
        .await
        .unwrap();
    let next = first.last().unwrap().next.unwrap();
    assert_eq!(next.offset(), 130);
    let rest = list(&client(&fake)).resume_at(next).all().await.unwrap();
    let first = first.iter().flat_map(|page| texts(&page.rows));
    assert_eq!(first.chain(texts(&rest)).collect::<Rows>(), whole);
}

#[tokio::test]
async fn list_of_more_ids_than_a_request_takes_goes_on_with_the_next_request() {
    let fake = fake().await;
    let details = fake.detail_ids();
    let (_, ids) = details.iter().find(|(path, _)| path == "issue").unwrap();
    let wanted: Vec<u64> = ids.iter().copied().take(230).collect();
    assert_eq!(wanted.len(), 230);
    let list = |client: &ComicVine| {
        let list = client.list::<RawJson>(ResourceKind::Issue);
        list.ids(wanted.iter().copied()).page_size(60)
    };
    let whole: Rows = texts(&list(&client(&fake)).all().await.unwrap()).collect();
    assert_eq!(whole.len(), 230);
    assert_eq!(by_positions(|| client(&fake), list).await, whole);
}

#[tokio::test]
async fn search_goes_on_with_its_next_page() {
    let fake = fake().await;
    let search = || client(&fake).search("the of");
    let whole = search().all().await.unwrap();
    let first = search().await.unwrap().value;
    assert!(whole.len() > first.rows.len() && first.rows.len() == 100);
    let next = first.next.unwrap();
    let rest = search().resume_at(next).all().await.unwrap();
    let urls = |hits: &[SearchHit]| {
        hits.iter()
            .map(|hit| hit.raw.get().to_owned())
            .collect::<Rows>()
    };
    assert_eq!([urls(&first.rows), urls(&rest)].concat(), urls(&whole));
    // The last page has no next one, and a page that was given in part comes again.
    let last = search()
        .resume_at(next)
        .pages()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    assert_eq!(last.last().unwrap().value.next, None);
    let part = search()
        .limit(130)
        .pages()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();
    let again = part.last().unwrap().value.next.unwrap();
    assert_eq!(search().resume_at(again).await.unwrap().value.offset, 100);
}
