// Tables that the program keeps for itself. They are shown, but are not what a business has entered.

/** Their names. */
export const OWN_TABLES = [
    "audit", "events", "inbound_webhooks", "jobs", "mails", "notification_deliveries", "notifications", "saved_views", "schedules", "sessions", "suppressions",
    "webhook_attempts", "webhook_deliveries", "webhook_endpoints", "webhook_sources",
];
