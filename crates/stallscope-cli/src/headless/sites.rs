//! `stallscope sites`: the places that spawn tasks, the one that looks most like a leak first.

use std::io::Write;

use serde::Serialize;
use stallscope_wire::message::subscribe::Topic;
use stallscope_wire::message::{Site, SiteQuery, SiteStats, update};
use stallscope_wire::text::{place, source_path};

use super::about::About;
use super::cut::{cut, note};
use super::table::{self, Column};
use crate::cli::SitesArgs;
use crate::client::{ClientError, Connection};
use crate::failure::Failure;
use crate::format::{duration_or_none, growth, milliseconds, printable, rate};
use crate::order::SortKey;
use crate::places::{History, has_history, if_known};
use crate::target::Target;

pub(crate) fn run(target: &Target, args: &SitesArgs, out: &mut impl Write) -> Result<(), Failure> {
    let mut connection = Connection::open(target)?;
    let about = About::ask(&mut connection)?;
    let listing = fetch(&mut connection, args)?;
    if args.json {
        let answer = Answer {
            matched: listing.matched,
            sites: listing.places.iter().map(SiteJson::from).collect(),
        };
        about.write_json(out, &answer)
    } else {
        about.write_header(out)?;
        write_table(out, args, &listing)
    }
}

struct Listing {
    /// How many places match; `places` are fewer with a limit.
    matched: u64,
    places: Vec<SiteStats>,
}

/// The agent neither filters places nor knows every order, but there are few enough of them for one answer.
fn fetch(connection: &mut Connection, args: &SitesArgs) -> Result<Listing, ClientError> {
    let update::Body::Sites(window) = connection.ask(Topic::Sites(SiteQuery::default()))? else {
        return Err(connection.mismatch());
    };
    let mut places = window.sites;
    places.retain(|stats| {
        let site = stats.site.as_ref();
        site.is_some_and(|site| args.filter.matches(site))
    });
    let descending = args.sort.largest_first() != args.reverse;
    places.sort_by(|a, b| args.sort.compare(a, b, History::Minute, descending));
    let matched = places.len() as u64;
    cut(&mut places, args.limit);
    Ok(Listing { matched, places })
}

#[derive(Serialize)]
struct Answer<'a> {
    /// How many places match the filter; `sites` are fewer with a limit.
    matched: u64,
    sites: Vec<SiteJson<'a>>,
}

/// A place as scripts read it. `null` is "unknown": the agent is too old to keep a history.
#[derive(Serialize)]
struct SiteJson<'a> {
    /// `file:line:column`, as `spawned_at` of its tasks.
    site: Option<String>,
    live: u64,
    spawned: u64,
    ended: u64,
    /// Sums over live and ended tasks.
    polls: u64,
    busy_ms: f64,
    longest_poll_ms: f64,
    oldest_ms: f64,
    longest_idle_ms: Option<f64>,
    /// Live tasks whose parent has ended.
    orphans: Option<u64>,
    /// How fast the live tasks rise, over the last minute.
    growth_per_s: Option<f64>,
    /// Over the last ten seconds.
    spawned_per_s: Option<f64>,
    ended_per_s: Option<f64>,
    /// Live tasks at past moments, oldest first, the present last.
    live_by_second: &'a [u32],
    live_by_ten_seconds: &'a [u32],
    live_by_minute: &'a [u32],
}

impl<'a> From<&'a SiteStats> for SiteJson<'a> {
    fn from(stats: &'a SiteStats) -> Self {
        let known = has_history(stats);
        // JSON has no word for a number that is none.
        let number = |number: f64| Some(number).filter(|number| known && number.is_finite());
        SiteJson {
            site: stats.site.as_ref().map(place),
            live: stats.live,
            spawned: stats.spawned,
            ended: stats.ended,
            polls: stats.polls,
            busy_ms: milliseconds(stats.busy_ns),
            longest_poll_ms: milliseconds(stats.longest_poll_ns),
            oldest_ms: milliseconds(stats.oldest_ns),
            longest_idle_ms: known.then(|| milliseconds(stats.longest_idle_ns)),
            orphans: known.then_some(stats.orphans),
            growth_per_s: number(History::Minute.growth(stats)),
            spawned_per_s: number(stats.spawned_per_second),
            ended_per_s: number(stats.ended_per_second),
            live_by_second: &stats.live_by_second,
            live_by_ten_seconds: &stats.live_by_ten_seconds,
            live_by_minute: &stats.live_by_minute,
        }
    }
}

fn write_table(out: &mut impl Write, args: &SitesArgs, listing: &Listing) -> Result<(), Failure> {
    let Listing { matched, places } = listing;
    if let Some(note) = note(places.len(), *matched, !args.filter.is_empty()) {
        writeln!(out, "{note}")?;
    }
    let columns: Vec<Column<SiteStats>> = vec![
        Column::right("LIVE", |stats| stats.live.to_string()),
        Column::right("GROWTH", |stats| {
            if_known(stats, || growth(History::Minute.growth(stats)))
        }),
        Column::right("SPAWNED/S", |stats| {
            if_known(stats, || rate(stats.spawned_per_second))
        }),
        Column::right("ENDED/S", |stats| {
            if_known(stats, || rate(stats.ended_per_second))
        }),
        Column::right("OLDEST", |stats| duration_or_none(stats.oldest_ns)),
        Column::right("IDLE", |stats| {
            if_known(stats, || duration_or_none(stats.longest_idle_ns))
        }),
        Column::right("ORPHANS", |stats| {
            if_known(stats, || stats.orphans.to_string())
        }),
        Column::right("SPAWNED", |stats| stats.spawned.to_string()),
        Column::left("SPAWNED AT", |stats| {
            stats.site.as_ref().map_or_else(String::new, spawned_at)
        }),
    ];
    writeln!(out)?;
    table::write(out, &columns, places)?;
    Ok(())
}

fn spawned_at(site: &Site) -> String {
    printable(source_path(&place(site)))
}
