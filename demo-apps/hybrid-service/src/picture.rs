//! Pictures of products: drawn, scaled and encoded. All of it is work for a CPU.

use std::io::Cursor;
use std::ops::RangeInclusive;

use image::imageops::{FilterType, resize};
use image::{ImageFormat, ImageResult, Rgb, RgbImage};

/// Pixels across that may be asked for.
pub(crate) const WIDTHS: RangeInclusive<u32> = 16..=320;

/// Pixels across a drawing, before it is scaled. It is three quarters of that high.
pub(crate) const USUAL: u32 = 320;

/// Pixels across a drawing that could be printed: scaling it down takes a good part of 0.1 s, also in a debug build, which is many times
/// slower.
pub(crate) const POSTER: u32 = if cfg!(debug_assertions) { 960 } else { 2560 };

/// The drawing of `product`, `width` pixels across.
pub(crate) fn drawing(product: u32, width: u32) -> RgbImage {
    let height = height(width);
    RgbImage::from_fn(width, height, |x, y| {
        ripple(product, x.abs_diff(width / 2), y.abs_diff(height / 2))
    })
}

/// A drawing as PNG, `width` pixels across.
pub(crate) fn png(drawing: &RgbImage, width: u32) -> ImageResult<Vec<u8>> {
    // fault: image-on-worker
    let scaled = resize(drawing, width, height(width), FilterType::Lanczos3);
    let mut encoded = Cursor::new(Vec::new());
    scaled.write_to(&mut encoded, ImageFormat::Png)?;
    Ok(encoded.into_inner())
}

fn height(width: u32) -> u32 {
    width * 3 / 4
}

/// Rings around the middle, in colours that tell products apart; at `dx`, `dy` from there.
fn ripple(product: u32, dx: u32, dy: u32) -> Rgb<u8> {
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
            let encoded =
                png(&drawing(3, USUAL), width).expect("a picture of this width can be made");
            let decoded = image::load_from_memory_with_format(&encoded, ImageFormat::Png);
            let decoded = decoded.expect("it is PNG");
            assert_eq!((decoded.width(), decoded.height()), (width, width * 3 / 4));
        }
    }

    #[test]
    fn products_look_different() {
        let [one, other] =
            [1, 2].map(|product| png(&drawing(product, USUAL), 32).expect("a picture"));
        assert_ne!(one, other);
    }
}
