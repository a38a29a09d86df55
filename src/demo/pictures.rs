//! Pictures of the demo, drawn in code: a few soft shapes each, so that the repository holds no files of others. Always the same.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

/// Size of every picture in pixels.
pub const WIDTH: u32 = 400;
pub const HEIGHT: u32 = 300;
/// How many sets of colours there are.
pub const COLOURS: usize = 6;
/// Of a hundred: enough for flat colours.
const QUALITY: u8 = 82;
/// How wide the edge of a shape is, as a share of its radius.
const EDGE: f32 = 0.03;

/// What is in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A sign for a business.
    Paw,
    Dog,
    Cat,
    /// A bag of food.
    Bag,
    /// A toy.
    Ball,
    /// Everything else on a shelf.
    Bottle,
    /// A person, from the shoulders up.
    Person,
}

type Colour = [u8; 3];

/// Background from above to below, and the colour of what is in front.
const PALETTES: [[Colour; 3]; COLOURS] = [
    [[255, 236, 210], [252, 182, 159], [122, 74, 50]],
    [[212, 252, 240], [150, 210, 222], [58, 92, 116]],
    [[255, 246, 200], [246, 211, 101], [160, 98, 32]],
    [[232, 224, 255], [190, 176, 236], [88, 70, 140]],
    [[226, 246, 208], [168, 214, 140], [74, 108, 48]],
    [[255, 224, 232], [238, 160, 184], [128, 52, 84]],
];
const DARK: Colour = [38, 34, 36];
const LIGHT: Colour = [250, 246, 240];

/// A round or square shape: `|x/rx|ⁿ + |y/ry|ⁿ ≤ 1`, in shares of the picture's height, from its middle.
struct Shape {
    x: f32,
    y: f32,
    rx: f32,
    ry: f32,
    /// 2 is an ellipse, more is squarer.
    n: i32,
    colour: Colour,
}

fn oval(x: f32, y: f32, rx: f32, ry: f32, colour: Colour) -> Shape {
    Shape { x, y, rx, ry, n: 2, colour }
}

fn block(x: f32, y: f32, rx: f32, ry: f32, colour: Colour) -> Shape {
    Shape { n: 8, ..oval(x, y, rx, ry, colour) }
}

/// A lighter colour.
fn light(colour: Colour) -> Colour {
    colour.map(|part| part.saturating_add((255 - part) / 2))
}

fn shapes(subject: Subject, front: Colour) -> Vec<Shape> {
    let pale = light(front);
    match subject {
        Subject::Paw => vec![
            oval(0.0, 0.12, 0.17, 0.14, front),
            oval(-0.2, -0.05, 0.065, 0.09, front),
            oval(-0.075, -0.15, 0.07, 0.1, front),
            oval(0.075, -0.15, 0.07, 0.1, front),
            oval(0.2, -0.05, 0.065, 0.09, front),
        ],
        Subject::Dog => vec![
            oval(0.0, 0.02, 0.24, 0.27, pale),
            oval(-0.24, -0.04, 0.08, 0.2, front),
            oval(0.24, -0.04, 0.08, 0.2, front),
            oval(0.0, 0.14, 0.13, 0.12, LIGHT),
            oval(0.0, 0.08, 0.05, 0.035, DARK),
            oval(-0.1, -0.06, 0.03, 0.035, DARK),
            oval(0.1, -0.06, 0.03, 0.035, DARK),
        ],
        Subject::Cat => vec![
            oval(-0.16, -0.2, 0.06, 0.12, front),
            oval(0.16, -0.2, 0.06, 0.12, front),
            oval(0.0, 0.02, 0.25, 0.23, front),
            oval(-0.1, -0.03, 0.045, 0.05, LIGHT),
            oval(0.1, -0.03, 0.045, 0.05, LIGHT),
            oval(-0.1, -0.03, 0.015, 0.045, DARK),
            oval(0.1, -0.03, 0.015, 0.045, DARK),
            oval(0.0, 0.09, 0.07, 0.05, pale),
            oval(0.0, 0.07, 0.025, 0.018, DARK),
        ],
        Subject::Bag => vec![
            block(0.0, 0.02, 0.2, 0.29, front),
            block(0.0, -0.24, 0.2, 0.04, pale),
            oval(0.0, 0.08, 0.13, 0.11, LIGHT),
            oval(0.0, 0.1, 0.05, 0.04, front),
        ],
        Subject::Ball => vec![
            oval(0.0, 0.05, 0.25, 0.25, front),
            oval(0.0, 0.05, 0.07, 0.25, pale),
            oval(-0.08, -0.05, 0.05, 0.04, LIGHT),
        ],
        Subject::Bottle => vec![
            block(0.0, 0.08, 0.13, 0.23, front),
            block(0.0, -0.2, 0.05, 0.07, pale),
            block(0.0, 0.09, 0.13, 0.1, LIGHT),
        ],
        Subject::Person => vec![
            oval(0.0, 0.42, 0.32, 0.25, front),
            oval(0.0, -0.05, 0.15, 0.19, [236, 200, 170]),
            oval(0.0, -0.17, 0.16, 0.1, DARK),
        ],
    }
}

/// The picture of a subject as a JPEG; another `number` is in other colours.
pub fn jpeg(subject: Subject, number: usize) -> Vec<u8> {
    let [above, below, front] = PALETTES[number % PALETTES.len()];
    let shapes = shapes(subject, front);
    let (width, height) = (WIDTH as f32, HEIGHT as f32);
    let image = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let (x, y) = ((x as f32 - width / 2.0) / height, (y as f32 - height / 2.0) / height);
        let ground = mixed(above, below, y + 0.5);
        Rgb(shapes.iter().fold(ground, |colour, shape| mixed(colour, shape.colour, shape.cover(x, y))))
    });
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    // Memory takes everything, and the size is a JPEG's.
    drop(image.write_with_encoder(encoder));
    bytes
}

impl Shape {
    /// How much of a point it covers, from 0 to 1.
    fn cover(&self, x: f32, y: f32) -> f32 {
        let [x, y] = [(x - self.x) / self.rx, (y - self.y) / self.ry];
        let distance = x.abs().powi(self.n) + y.abs().powi(self.n);
        ((1.0 + EDGE - distance) / (2.0 * EDGE)).clamp(0.0, 1.0)
    }
}

fn mixed(one: Colour, other: Colour, share: f32) -> Colour {
    let mix = |(a, b): (u8, u8)| (f32::from(a) + (f32::from(b) - f32::from(a)) * share).round() as u8;
    [mix((one[0], other[0])), mix((one[1], other[1])), mix((one[2], other[2]))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_small_the_same_and_not_all_alike() {
        let subjects =
            [Subject::Paw, Subject::Dog, Subject::Cat, Subject::Bag, Subject::Ball, Subject::Bottle, Subject::Person];
        for (at, subject) in subjects.into_iter().enumerate() {
            let bytes = jpeg(subject, at);
            let image = image::load_from_memory(&bytes).expect("a picture").to_rgb8();
            assert_eq!(image.dimensions(), (WIDTH, HEIGHT));
            assert!(bytes.len() < 40_000, "{subject:?} has {} bytes", bytes.len());
            assert_eq!(bytes, jpeg(subject, at), "{subject:?}");
            assert_ne!(
                image.get_pixel(WIDTH / 2, HEIGHT * 11 / 20),
                image.get_pixel(2, HEIGHT * 11 / 20),
                "{subject:?}"
            );
        }
        assert_ne!(jpeg(Subject::Paw, 0), jpeg(Subject::Paw, 1));
    }
}
