//! Pictures of products: drawn, scaled and encoded. All of it is work for a CPU, so it runs on the blocking pool.

use std::io::Cursor;
use std::ops::RangeInclusive;

use image::imageops::{FilterType, resize};
use image::{ImageFormat, ImageResult, Rgb, RgbImage};

/// Pixels across that may be asked for.
pub(crate) const WIDTHS: RangeInclusive<u32> = 16..=320;

/// Size of the drawing in pixels, before it is scaled.
const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;

/// The picture of `product` as PNG, `width` pixels across and three quarters of that high.
pub(crate) fn png(product: u32, width: u32) -> ImageResult<Vec<u8>> {
    let drawing = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| ripple(product, x, y));
    let scaled = resize(
        &drawing,
        width,
        width * HEIGHT / WIDTH,
        FilterType::Triangle,
    );
    let mut encoded = Cursor::new(Vec::new());
    scaled.write_to(&mut encoded, ImageFormat::Png)?;
    Ok(encoded.into_inner())
}

/// Rings around the middle, in colours that tell products apart.
fn ripple(product: u32, x: u32, y: u32) -> Rgb<u8> {
    let (dx, dy) = (x.abs_diff(WIDTH / 2), y.abs_diff(HEIGHT / 2));
    let distance = dx * dx + dy * dy;
    let channel = |weight: u32| ((distance / 64 * weight + product * 29 * weight) % 256) as u8;
    Rgb([channel(1), channel(2), channel(3)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_gives_a_png_of_that_width() {
        for width in [*WIDTHS.start(), 96, *WIDTHS.end()] {
            let encoded = png(3, width).expect("a picture of this width can be made");
            let decoded = image::load_from_memory_with_format(&encoded, ImageFormat::Png);
            let decoded = decoded.expect("it is PNG");
            assert_eq!((decoded.width(), decoded.height()), (width, width * 3 / 4));
        }
    }

    #[test]
    fn products_look_different() {
        assert_ne!(
            png(1, 32).expect("a picture"),
            png(2, 32).expect("a picture")
        );
    }
}
