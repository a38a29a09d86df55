// Tables that the program keeps for itself. They are shown, but are not what a business has entered.

/** Their names. */
export const OWN_TABLES = ["audit", "events", "jobs", "saved_views", "schedules", "sessions"];
