//! One picture: read within limits, turned upright, written anew.
//!
//! What stays: the pixels, and a small colour profile, without which a photo would have other colours. Everything else is gone by being
//! written anew: EXIF with its place and time, XMP, comments, previews, and whatever stood behind the end. JPEG stays JPEG and PNG stays
//! PNG; WebP becomes JPEG, or PNG where it is transparent; of a GIF and of an animated WebP the first frame is kept, a GIF's as PNG.

use std::io::Cursor;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::error::ImageError;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};

use super::PictureError;

/// Quality of a JPEG that is kept, of 100: hardly to be told from the one that was sent.
const QUALITY: u8 = 88;
/// Quality of a smaller one.
const THUMBNAIL_QUALITY: u8 = 80;
/// Bytes that the pixels of a picture take at most each: four channels of 16 bits.
const PIXEL_BYTES: u64 = 8;
/// Longest colour profile that is kept; those of cameras and screens are far smaller.
const PROFILE_BYTES_MAX: usize = 16 * 1024;
/// Where a profile says what it is for (ICC.1, 7.2.8), and for colours of screens.
const PROFILE_SPACE: std::ops::Range<usize> = 16..20;
const RGB_SPACE: &[u8] = b"RGB ";

/// A picture, written.
#[derive(Debug, Clone)]
pub struct Picture {
    /// JPEG or PNG.
    pub bytes: Bytes,
    /// `image/jpeg` or `image/png`.
    pub mime: &'static str,
    /// In pixels, upright.
    pub width: u32,
    /// In pixels, upright.
    pub height: u32,
}

/// How a picture is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Jpeg(u8),
    Png,
}

/// A picture as it was read, upright.
struct Read {
    image: DynamicImage,
    format: ImageFormat,
    profile: Option<Vec<u8>>,
}

/// The picture in `bytes` as it is kept.
pub(super) fn prepare(bytes: &[u8], megapixels: u64) -> Result<Picture, PictureError> {
    let read = read(bytes, megapixels)?;
    let form = match read.format {
        ImageFormat::Jpeg => Form::Jpeg(QUALITY),
        ImageFormat::WebP if !read.image.color().has_alpha() => Form::Jpeg(QUALITY),
        _ => Form::Png,
    };
    write(&read.image, form, read.profile)
}

/// The kept picture in `bytes` in another size.
pub(super) fn scale(bytes: &[u8], width: u32, height: u32, megapixels: u64) -> Result<Picture, PictureError> {
    let read = read(bytes, megapixels)?;
    let form = if read.format == ImageFormat::Jpeg { Form::Jpeg(THUMBNAIL_QUALITY) } else { Form::Png };
    write(&read.image.thumbnail_exact(width, height), form, read.profile)
}

fn read(bytes: &[u8], megapixels: u64) -> Result<Read, PictureError> {
    let damaged = |error: std::io::Error| PictureError::Damaged(error.to_string());
    let failed = |error| refused(error, megapixels);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(damaged)?;
    let known = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP];
    let format = reader.format().filter(|format| known.contains(format));
    let format = format.ok_or_else(|| PictureError::Damaged("its form is not known".into()))?;
    let pixels_max = megapixels * 1_000_000;
    let mut limits = Limits::default();
    limits.max_alloc = Some(pixels_max * PIXEL_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(failed)?;
    // What it says of itself, before anything is made of it: a small file can be a huge picture.
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > pixels_max {
        return Err(PictureError::TooLarge { megapixels });
    }
    let orientation = decoder.orientation().map_err(failed)?;
    let profile = decoder.icc_profile().ok().flatten().filter(|profile| is_kept(profile));
    let mut image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    image.apply_orientation(orientation);
    Ok(Read { image, format, profile })
}

fn is_kept(profile: &[u8]) -> bool {
    profile.len() <= PROFILE_BYTES_MAX && profile.get(PROFILE_SPACE) == Some(RGB_SPACE)
}

fn refused(error: ImageError, megapixels: u64) -> PictureError {
    match error {
        ImageError::Limits(_) => PictureError::TooLarge { megapixels },
        other => PictureError::Damaged(other.to_string()),
    }
}

fn write(image: &DynamicImage, form: Form, profile: Option<Vec<u8>>) -> Result<Picture, PictureError> {
    // Eight bits of each colour are what screens show.
    let is_transparent = image.color().has_alpha() && form == Form::Png;
    let image = if is_transparent { image.to_rgba8().into() } else { DynamicImage::from(image.to_rgb8()) };
    let mut bytes = Vec::new();
    let (written, mime) = match form {
        Form::Jpeg(quality) => {
            (encode(JpegEncoder::new_with_quality(&mut bytes, quality), &image, profile), "image/jpeg")
        }
        Form::Png => {
            let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Default, FilterType::Adaptive);
            (encode(encoder, &image, profile), "image/png")
        }
    };
    written.map_err(|error| PictureError::Damaged(error.to_string()))?;
    Ok(Picture { bytes: bytes.into(), mime, width: image.width(), height: image.height() })
}

fn encode(mut encoder: impl ImageEncoder, image: &DynamicImage, profile: Option<Vec<u8>>) -> Result<(), ImageError> {
    if let Some(profile) = profile {
        // A form that has no place for it goes without.
        drop(encoder.set_icc_profile(profile));
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into())
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage, Rgba, RgbaImage};

    use super::*;

    /// Red above, blue below.
    fn flag(width: u32, height: u32) -> DynamicImage {
        let half = height / 2;
        RgbImage::from_fn(width, height, |_, y| if y < half { Rgb([220, 20, 20]) } else { Rgb([20, 20, 220]) }).into()
    }

    fn written(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).expect("written");
        bytes.into_inner()
    }

    /// A JPEG with an EXIF segment behind its first two bytes that says how it is turned, and where it was taken.
    fn turned(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        // TIFF, little endian: one entry, tag 0x0112 (orientation), a short.
        let mut exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        exif.extend(b"GPS 52.5 13.4");
        let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
        [&jpeg[..2], &[0xFF, 0xE1], &length, &exif, &jpeg[2..]].concat()
    }

    fn decoded(picture: &Picture) -> DynamicImage {
        image::load_from_memory(&picture.bytes).expect("a picture")
    }

    #[test]
    fn a_photo_is_upright_and_says_nothing_of_its_place() {
        let jpeg = turned(&written(&flag(40, 20), ImageFormat::Jpeg), 6);
        let picture = prepare(&jpeg, 1).expect("ready");
        assert_eq!((picture.mime, picture.width, picture.height), ("image/jpeg", 20, 40));
        // Turned by a quarter clockwise, what was above is on the right.
        let image = decoded(&picture).to_rgb8();
        let (left, right) = (image.get_pixel(2, 20), image.get_pixel(17, 20));
        assert!(left[2] > 150 && left[0] < 90 && right[0] > 150 && right[2] < 90, "{left:?} {right:?}");
        for trace in [&b"Exif"[..], b"GPS"] {
            assert!(jpeg.windows(trace.len()).any(|part| part == trace));
            assert!(!picture.bytes.windows(trace.len()).any(|part| part == trace), "{trace:?}");
        }
    }

    #[test]
    fn what_stands_behind_the_end_is_gone() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif] {
            let polyglot = [written(&flag(8, 8), format), b"<script>alert(1)</script>".to_vec()].concat();
            let picture = prepare(&polyglot, 1).expect("ready");
            assert!(!picture.bytes.windows(7).any(|part| part == b"<script"), "{format:?}");
        }
    }

    #[test]
    fn forms_stay_or_become_one_of_two() {
        let clear: DynamicImage = RgbaImage::from_pixel(6, 4, Rgba([1, 2, 3, 0])).into();
        for (image, format, mime) in [
            (flag(6, 4), ImageFormat::Jpeg, "image/jpeg"),
            (flag(6, 4), ImageFormat::Png, "image/png"),
            (clear.clone(), ImageFormat::Png, "image/png"),
            (flag(6, 4), ImageFormat::WebP, "image/jpeg"),
            (clear.clone(), ImageFormat::WebP, "image/png"),
            (clear, ImageFormat::Gif, "image/png"),
        ] {
            let picture = prepare(&written(&image, format), 1).expect("ready");
            assert_eq!((picture.mime, picture.width, picture.height), (mime, 6, 4), "{format:?}");
            let is_clear = decoded(&picture).to_rgba8().get_pixel(3, 3)[3] == 0;
            assert_eq!(is_clear, image.color().has_alpha(), "{format:?}");
        }
    }

    #[test]
    fn a_small_file_that_is_a_huge_picture_is_refused_before_it_is_made() {
        // A PNG that says it is 60000 × 60000 and has nothing in it: only its own words count.
        let mut png = written(&flag(1, 1), ImageFormat::Png);
        png[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        let sum = crc(&png[12..29]);
        png[29..33].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(prepare(&png, 50).expect_err("refused"), PictureError::TooLarge { megapixels: 50 });
        let honest = written(&flag(1100, 1000), ImageFormat::Png);
        assert_eq!(prepare(&honest, 1).expect_err("refused"), PictureError::TooLarge { megapixels: 1 });
        assert!(prepare(&honest, 2).is_ok());
    }

    /// The check sum of PNG (ISO 3309).
    fn crc(bytes: &[u8]) -> u32 {
        let step = |mut sum: u32| {
            for _ in 0..8 {
                sum = if sum & 1 == 1 { 0xEDB8_8320 ^ (sum >> 1) } else { sum >> 1 };
            }
            sum
        };
        !bytes.iter().fold(u32::MAX, |sum, byte| step((sum ^ u32::from(*byte)) & 0xFF) ^ (sum >> 8))
    }

    #[test]
    fn what_is_no_picture_is_damaged() {
        let jpeg = written(&flag(64, 64), ImageFormat::Jpeg);
        let cut = &written(&flag(64, 64), ImageFormat::Png)[..60];
        for bytes in [&b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..], b"", &jpeg[..30], cut] {
            assert!(matches!(prepare(bytes, 1), Err(PictureError::Damaged(_))), "{:?}", &bytes[..bytes.len().min(8)]);
        }
    }

    #[test]
    fn a_smaller_one_has_exactly_its_size_and_the_same_form() {
        for (format, mime) in [(ImageFormat::Jpeg, "image/jpeg"), (ImageFormat::Png, "image/png")] {
            let picture = scale(&written(&flag(400, 200), format), 160, 80, 1).expect("smaller");
            assert_eq!((picture.mime, picture.width, picture.height), (mime, 160, 80));
            let image = decoded(&picture).to_rgb8();
            assert!(image.get_pixel(80, 10)[0] > 150 && image.get_pixel(80, 70)[2] > 150);
        }
    }

    #[test]
    fn a_profile_of_colours_stays_and_no_other() {
        let profile = |space: &[u8], length: usize| {
            let mut profile = vec![0; length];
            profile[PROFILE_SPACE].copy_from_slice(space);
            profile
        };
        for (bytes, is_kept) in
            [(profile(b"RGB ", 500), true), (profile(b"CMYK", 500), false), (profile(b"RGB ", 20_000), false)]
        {
            let mut jpeg = Vec::new();
            encode(JpegEncoder::new(&mut jpeg), &flag(8, 8), Some(bytes)).expect("written");
            let picture = prepare(&jpeg, 1).expect("ready");
            let marker = b"ICC_PROFILE";
            assert_eq!(picture.bytes.windows(marker.len()).any(|part| part == marker), is_kept);
        }
    }
}
