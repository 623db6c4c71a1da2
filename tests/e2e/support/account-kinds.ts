// The kinds of accounts that people connect, and what is particular to each, so that one test can speak of all.

import type { SimulatedProvider } from "../../../scripts/dev/local-simulator.ts";
import type { Json } from "./stack.ts";

/** An event as it truly is on a calendar, whoever serves it. */
export interface SeenEvent {
  id: string;
  summary: string;
  location: string;
  description: string;
  /** Milliseconds since 1970, or dates of an all-day event. */
  start: number | string;
  end: number | string;
  timeZone: string;
  tentative: boolean;
  private: boolean;
  free: boolean;
  attendees: string[];
  reminderMinutes: number[];
  /** Whether there is a video conference. */
  conference: boolean;
  recurring: boolean;
}

export interface AccountKind {
  title: string;
  provider: SimulatedProvider;
  /** Where the people who have them live. */
  timeZone: string;
  /** A new account at the simulator, with nothing on its calendar. */
  newAccount(name: string): { path: string; body: Record<string, unknown>; email: string };
  /** An event as the simulator's control API takes it. */
  event(event: { summary: string; start: string; end: string }): Record<string, unknown>;
  /** A change of an event's place, as the simulator's control API takes it. */
  place(name: string): Record<string, unknown>;
  /** Reads an event of the simulator's control API. */
  seen(event: Json): SeenEvent;
  /** The simulator's name of the route that creates an event. */
  createRoute: string;
  /** The group of routes that concern events. */
  eventRoutes: string;
  /** Whether it makes video conferences. */
  conferences: boolean;
}

export const google: AccountKind = {
  title: "a Google account",
  provider: "google",
  timeZone: "UTC",
  newAccount: (name) => {
    const email = `${name}@example.com`;
    return { path: "accounts", body: { email, timeZone: "UTC" }, email };
  },
  event: ({ summary, start, end }) => ({ summary, start: { dateTime: start }, end: { dateTime: end } }),
  place: (name) => ({ location: name }),
  seen: (event) => ({
    id: event.id,
    summary: event.summary ?? "",
    location: event.location ?? "",
    description: event.description ?? "",
    start: event.start.date ?? Date.parse(event.start.dateTime),
    end: event.end.date ?? Date.parse(event.end.dateTime),
    timeZone: event.start.timeZone ?? "",
    tentative: event.status === "tentative",
    private: event.visibility === "private",
    free: event.transparency === "transparent",
    attendees: (event.attendees ?? []).map((attendee: { email: string }) => attendee.email),
    reminderMinutes: (event.reminders?.overrides ?? []).map((reminder: { minutes: number }) => reminder.minutes),
    conference: event.conferenceData !== undefined,
    recurring: event.recurrence !== undefined,
  }),
  createRoute: "events.insert",
  eventRoutes: "events.*",
  conferences: true,
};

const microsoft = {
  provider: "microsoft" as const,
  timeZone: "UTC",
  event: ({ summary, start, end }: { summary: string; start: string; end: string }) => ({
    subject: summary,
    start: { dateTime: start.replace("Z", ""), timeZone: "UTC" },
    end: { dateTime: end.replace("Z", ""), timeZone: "UTC" },
  }),
  place: (name: string) => ({ location: { displayName: name } }),
  seen: (event: Json): SeenEvent => ({
    id: event.id,
    summary: event.subject ?? "",
    location: event.location?.displayName ?? "",
    // How to join a conference stands below a line of its own.
    description: (event.body?.content ?? "").replace(/<[^>]*>|_{40}[\s\S]*/g, "").trim(),
    start: event.isAllDay ? event.start.dateTime.slice(0, 10) : Date.parse(`${event.start.dateTime.slice(0, 23)}Z`),
    end: event.isAllDay ? event.end.dateTime.slice(0, 10) : Date.parse(`${event.end.dateTime.slice(0, 23)}Z`),
    timeZone: event.originalStartTimeZone,
    tentative: event.showAs === "tentative",
    private: event.sensitivity === "private",
    free: event.showAs === "free",
    attendees: (event.attendees ?? []).map((each: { emailAddress: { address: string } }) => each.emailAddress.address),
    reminderMinutes: event.isReminderOn ? [event.reminderMinutesBeforeStart] : [],
    conference: event.isOnlineMeeting,
    recurring: event.type === "seriesMaster",
  }),
  createRoute: "events.create",
  eventRoutes: "events.*",
};

export const microsoftWork: AccountKind = {
  ...microsoft,
  title: "a Microsoft work account",
  newAccount: (name) => {
    const email = `${name}@contoso.example`;
    return { path: "accounts", body: { email, tenant: "contoso.example", timeZone: "UTC" }, email };
  },
  conferences: true,
};

export const microsoftPersonal: AccountKind = {
  ...microsoft,
  title: "a personal Microsoft account",
  newAccount: (name) => {
    const email = `${name}@outlook.example`;
    return { path: "accounts", body: { email, timeZone: "UTC" }, email };
  },
  // Teams is for organisations.
  conferences: false,
};

/** Such accounts of people who live elsewhere. */
export const livingIn = (timeZone: string, kind: AccountKind): AccountKind => ({
  ...kind,
  timeZone,
  newAccount: (name) => {
    const account = kind.newAccount(name);
    return { ...account, body: { ...account.body, timeZone } };
  },
});

/** What README says to name in a connect link so that Microsoft itself searches for meeting times. */
export const searchScopes = [
  "email",
  "profile",
  "User.Read",
  "Calendars.ReadWrite",
  "MailboxSettings.Read",
  "Calendars.Read.Shared",
];
