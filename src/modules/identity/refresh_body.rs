//! The body of a refresh: JSON, or nothing at all when the token travels as a cookie.
//!
//! poem-openapi's own optional body demands a content type even of an empty body, which browsers do not send.

use poem::{Request, RequestBody};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::Json;
use poem_openapi::registry::{MetaRequest, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};

use super::views::Refresh;

type Sent = Json<Option<Refresh>>;

/// The refresh token in the body, if there is one.
pub(super) struct RefreshBody(pub(super) Option<String>);

impl<'a> ApiExtractor<'a> for RefreshBody {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Sent as ApiExtractor<'_>>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        <Sent as ApiExtractor<'_>>::request_meta()
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        options: ExtractParamOptions<Self::ParamType>,
    ) -> poem::Result<Self> {
        if request.content_type().is_none() {
            let is_empty = body.take()?.into_bytes().await?.is_empty();
            return if is_empty { Ok(Self(None)) } else { Err(ContentTypeError::ExpectContentType.into()) };
        }
        let Json(sent) = <Sent as ApiExtractor<'_>>::from_request(request, body, options).await?;
        Ok(Self(sent.and_then(|body| body.refresh_token)))
    }
}
