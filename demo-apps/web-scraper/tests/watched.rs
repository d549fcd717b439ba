//! What stallscope shows of the scraper: rounds of siblings that come and go.
#![cfg(all(unix, tokio_unstable))]

use demo_support::{Session, eventually, place};

#[test]
fn the_pages_of_a_round_are_siblings_below_the_scraper_and_all_gone_after_it() {
    // One page at a time: the others wait, and can be seen.
    let mut session = Session::start(env!("CARGO_BIN_EXE_web-scraper"), &["--load", "1"]);
    session.expect_log("scraping the shop at ");
    let scraper = place!("src/app.rs", "spawn(scraper::run(");
    let page = place!("src/round.rs", "spawn(scrape_page(");

    let first = eventually(|| {
        let tree = session.tree();
        if tree.at(&page).len() < 50 {
            return Err(format!("never fifty pages at once: {tree}"));
        }
        Ok(tree)
    });
    let parent = first.at(&scraper)[0];
    assert_eq!(parent.name.as_deref(), Some("scraper"));
    let parents: Vec<_> = first.at(&page).iter().map(|task| task.parent).collect();
    assert_eq!(parents, vec![Some(parent.id); parents.len()]);
    let of_first_round: Vec<_> = first.at(&page).iter().map(|task| task.id).collect();

    eventually(|| {
        let tree = session.tree();
        if tree.all().any(|task| of_first_round.contains(&task.id)) {
            return Err(format!("the first round never ended: {tree}"));
        }
        assert_eq!(tree.at(&scraper)[0].id, parent.id);
        Ok(())
    });
}
