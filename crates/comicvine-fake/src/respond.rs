//! The API's responses to accepted requests.

use bytes::Bytes;
use hyper::StatusCode;

use crate::catalog::{Catalog, Record, Row, RowView, Selection, View};
use crate::envelope::{self, ApiStatus, Position};
use crate::format::Format;
use crate::query::{Filter, LIST_LIMIT, Params, SEARCH_LIMIT, Sort};
use crate::resource::{Kind, Search};
use crate::response::{self, HttpResponse};
use crate::router::Target;

/// The failure of a request.
enum Failure {
    Api(ApiStatus),
    /// The catalogue could not be serialized.
    Serialize,
}

impl From<ApiStatus> for Failure {
    fn from(status: ApiStatus) -> Self {
        Self::Api(status)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self::Serialize
    }
}

/// The response for `target` in the format that `params` request.
pub(crate) fn respond(catalog: &dyn Catalog, target: Target, params: &Params) -> HttpResponse {
    let format = match Format::of(params) {
        Ok(format) => format,
        Err(status) => return error(catalog, status, params),
    };
    match results(catalog, target, params) {
        Ok(body) => format.response(StatusCode::OK, body, target),
        Err(Failure::Api(status)) => error(catalog, status, params),
        Err(Failure::Serialize) => response::html(
            StatusCode::INTERNAL_SERVER_ERROR,
            crate::error_pages::INTERNAL_ERROR,
        ),
    }
}

/// The response for `target` without any of its rows, if it has rows.
pub(crate) fn empty_page(catalog: &dyn Catalog, target: Target, params: &Params) -> HttpResponse {
    let emptied = results(catalog, target, params)
        .ok()
        .and_then(|body| envelope::without_rows(&body));
    match emptied {
        Some(body) => Format::of_error(params).response(StatusCode::OK, body, target),
        None => respond(catalog, target, params),
    }
}

/// The error envelope of `status`, in the requested format.
pub(crate) fn error(catalog: &dyn Catalog, status: ApiStatus, params: &Params) -> HttpResponse {
    let body = error_body(catalog, status);
    Format::of_error(params).response(status.http(), body, Target::NotFound)
}

fn error_body(catalog: &dyn Catalog, status: ApiStatus) -> Bytes {
    catalog
        .error_body(status)
        .unwrap_or_else(|| envelope::error(status))
}

fn results(catalog: &dyn Catalog, target: Target, params: &Params) -> Result<Bytes, Failure> {
    match target {
        Target::Detail(kind, id) => detail(catalog, kind, id, params),
        Target::List(kind) => list(catalog, kind, params),
        Target::Search => search(catalog, params),
        Target::Types => types(catalog),
        Target::EmptyList => page(&[], params),
        Target::NotFound => Err(ApiStatus::NotFound.into()),
        Target::BadPath => Err(ApiStatus::UrlFormat.into()),
    }
}

fn detail(catalog: &dyn Catalog, kind: Kind, id: u64, params: &Params) -> Result<Bytes, Failure> {
    let record = catalog.detail(kind, id).ok_or(ApiStatus::NotFound)?;
    let view = View {
        record: &record,
        selection: &Selection::parse(params.get("field_list")),
        resource_type: None,
    };
    Ok(envelope::with_results(Position::DETAIL, view)?)
}

fn list(catalog: &dyn Catalog, kind: Kind, params: &Params) -> Result<Bytes, Failure> {
    let spec = kind.spec();
    let filter =
        Filter::parse(params.get("filter"), spec).map_err(|_| Failure::Api(ApiStatus::Filter))?;
    let mut rows: Vec<&Row> = catalog.rows(kind).iter().collect();
    if !filter.is_empty() {
        rows.retain(|row| row.record().is_some_and(|record| filter.matches(record)));
    }
    if let Some(sort) = Sort::parse(params.get("sort"), spec) {
        sort.apply(&mut rows);
    }
    page(&rows, params)
}

fn page(rows: &[&Row], params: &Params) -> Result<Bytes, Failure> {
    let selection = Selection::parse(params.get("field_list"));
    let (limit, offset) = (params.limit(LIST_LIMIT), params.offset());
    let shown: Vec<RowView<'_>> = rows
        .iter()
        .skip(offset)
        .take(limit)
        .map(|row| RowView {
            row,
            selection: &selection,
        })
        .collect();
    let position = Position {
        limit,
        offset,
        page_results: shown.len(),
        total: rows.len(),
    };
    Ok(envelope::with_results(position, shown)?)
}

/// The records whose name contains any of the words, those with more of them first.
fn search(catalog: &dyn Catalog, params: &Params) -> Result<Bytes, Failure> {
    let words: Vec<String> = params
        .get("query")
        .unwrap_or_default()
        .split_whitespace()
        .map(str::to_lowercase)
        .collect();
    let mut hits: Vec<(usize, Kind, &Record)> = searched(params.get("resources"))
        .flat_map(|kind| catalog.rows(kind).iter().map(move |row| (kind, row)))
        .filter_map(|(kind, row)| Some((kind, row.record()?)))
        .map(|(kind, record)| (relevance(record, &words), kind, record))
        .filter(|(relevance, _, _)| *relevance > 0)
        .collect();
    hits.sort_by(|(left, _, _), (right, _, _)| right.cmp(left));

    let selection = Selection::parse(params.get("field_list"));
    let limit = params.limit(SEARCH_LIMIT);
    let offset = params.search_offset(limit);
    let shown: Vec<View<'_>> = hits
        .iter()
        .skip(offset)
        .take(limit)
        .map(|(_, kind, record)| View {
            record,
            selection: &selection,
            resource_type: Some(kind.spec().detail),
        })
        .collect();
    let position = Position {
        limit,
        offset,
        page_results: shown.len(),
        total: hits.len(),
    };
    Ok(envelope::with_results(position, shown)?)
}

fn searched(resources: Option<&str>) -> impl Iterator<Item = Kind> {
    Kind::all().filter(move |kind| {
        let spec = kind.spec();
        let asked = |names: &str| names.split(',').any(|name| name.trim() == spec.detail);
        spec.search == Search::Included && resources.is_none_or(asked)
    })
}

fn relevance(record: &Record, words: &[String]) -> usize {
    let name = record.text("name").unwrap_or_default().to_lowercase();
    words.iter().filter(|word| name.contains(*word)).count()
}

fn types(catalog: &dyn Catalog) -> Result<Bytes, Failure> {
    #[derive(serde::Serialize)]
    struct Type {
        detail_resource_name: &'static str,
        list_resource_name: &'static str,
        id: u16,
    }

    let whole = |count| Position {
        limit: LIST_LIMIT,
        offset: 0,
        page_results: count,
        total: count,
    };
    if let Some(rows) = catalog.types() {
        let selection = Selection::All;
        let shown: Vec<RowView<'_>> = rows
            .iter()
            .map(|row| RowView {
                row,
                selection: &selection,
            })
            .collect();
        return Ok(envelope::with_results(whole(shown.len()), shown)?);
    }
    let types: Vec<Type> = Kind::all()
        .map(Kind::spec)
        .map(|spec| Type {
            detail_resource_name: spec.detail,
            list_resource_name: spec.list,
            id: spec.prefix,
        })
        .collect();
    Ok(envelope::with_results(whole(types.len()), types)?)
}
