//! From decoded HTML to data: the links of the catalogue and the product of a product page.

use crate::product::Product;

/// The paths of all product pages that the catalogue links to, in its order.
pub(crate) fn product_paths(catalogue: &str) -> impl Iterator<Item = &str> {
    catalogue
        .split(r#"href=""#)
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(path, _)| path)
        .filter(|path| path.starts_with("/products/"))
}

/// The product of a page; none if the page holds anything else.
pub(crate) fn product(page: &str) -> Option<Product> {
    Some(Product {
        id: between(page, r#"data-id=""#, "\"")?.parse().ok()?,
        category: between(page, r#"data-category=""#, "\"")?.to_owned(),
        name: between(page, "<h1>", "</h1>")?.to_owned(),
        price_cents: cents(between(page, r#"<p class="price">"#, " EUR")?)?,
    })
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    let (found, _) = rest.split_once(after)?;
    Some(found)
}

/// `12.34` is 1234 cents.
fn cents(price: &str) -> Option<u32> {
    let (euros, cents) = price.split_once('.')?;
    let (euros, cents): (u32, u32) = (euros.parse().ok()?, cents.parse().ok()?);
    euros.checked_mul(100)?.checked_add(cents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decoder::plain;
    use crate::product::PRODUCTS;
    use crate::shop::product_page;
    use std::time::Duration;

    #[test]
    fn every_page_of_the_shop_reads_back_as_its_product() {
        for id in 1..=PRODUCTS {
            let sold = Product::in_shop(id, Duration::from_secs(60)).expect("the shop sells it");
            assert_eq!(product(&plain(&product_page(&sold))), Some(sold));
        }
    }

    #[test]
    fn a_page_that_is_no_product_is_none() {
        let page = product_page(&Product::in_shop(1, Duration::ZERO).expect("the shop sells it"));
        for broken in [
            "",
            "<title>Sorry</title>",
            &page[..page.len() / 2],
            &page.replace('.', ","),
        ] {
            assert_eq!(product(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_links_to_products_are_followed() {
        let catalogue = r#"<a href="/imprint">us</a> <a href="/products/3">3</a> <a href="/products/1">1</a> <a href="#;
        let paths: Vec<_> = product_paths(catalogue).collect();
        assert_eq!(paths, ["/products/3", "/products/1"]);
    }
}
