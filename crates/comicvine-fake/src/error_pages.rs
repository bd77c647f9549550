//! Responses without an envelope: HTML pages of the API and of what is in front of it.

/// The firewall's page for a blocked client.
pub(crate) const FORBIDDEN: &str = "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\
<title>Attention Required! | Cloudflare</title></head>\n<body>\n\
<h1>Sorry, you have been blocked</h1>\n\
<p>You are unable to access comicvine.gamespot.com</p>\n</body>\n</html>\n";

/// The firewall's plain text for a banned address.
pub(crate) const ADDRESS_BANNED: &str = "error code: 1015";

/// The firewall's page for an address that sends too much.
pub(crate) const ADDRESS_LIMITED: &str = "<!DOCTYPE html>\n<html lang=\"en-US\">\n<head>\
<title>Access denied | comicvine.gamespot.com used Cloudflare to restrict access</title></head>\n\
<body>\n<h1>Error 1015</h1>\n<h2>You are being rate limited</h2>\n</body>\n</html>\n";

/// The page for a banned IP address, with HTTP 200, for days.
pub(crate) const ABNORMAL_TRAFFIC: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\
<title>Abnormal Traffic Detected</title></head>\n<body>\n\
<h1>Abnormal Traffic Detected</h1>\n\
<p>Your address has made too many requests.</p>\n</body>\n</html>\n";

/// The site's page while it is maintained, with HTTP 200.
pub(crate) const MAINTENANCE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\
<title>Comic Vine - Down for Maintenance</title></head>\n<body>\n\
<h1>We'll be back soon</h1>\n\
<p>Comic Vine is down for maintenance. Please try again later.</p>\n</body>\n</html>\n";

/// The site's page for a path that it does not have.
pub(crate) const NOT_FOUND: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\
<title>404 - Page Not Found - Comic Vine</title></head>\n<body>\n\
<h1>Page Not Found</h1>\n</body>\n</html>\n";

/// The cache's page when the API takes too long.
pub(crate) const UNAVAILABLE: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
<!DOCTYPE html>\n<html>\n<head><title>503 first byte timeout</title></head>\n<body>\n\
<h1>Error 503 first byte timeout</h1>\n<p>first byte timeout</p>\n\
<h3>Guru Mediation:</h3>\n<p>Varnish cache server</p>\n</body>\n</html>\n";

/// The API's page for an internal error.
pub(crate) const INTERNAL_ERROR: &str = "<!DOCTYPE html>\n<html>\n<head>\
<title>500 Internal Server Error</title></head>\n<body>\n\
<h1>Internal Server Error</h1>\n</body>\n</html>\n";
