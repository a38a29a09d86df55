//! Files: uploads, downloads, pictures, who may read what, and what is removed.

mod download;
mod pictures;
mod rights;
mod s3;
mod sweep;
mod upload;
