// The Microsoft simulator speaks the real protocol: calendars, events, deltas and availability, with Microsoft's own client.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Client, PageIterator } from "@microsoft/microsoft-graph-client";
import type { Calendar, Event, ScheduleInformation } from "@microsoft/microsoft-graph-types";
import {
  control,
  EMPTY,
  EMPTY_PERSONAL,
  failure,
  graphOf,
  hour,
  PERSONAL,
  useSimulatedMicrosoft,
  WORK,
} from "./support/microsoft-graph.ts";

useSimulatedMicrosoft();

/** The body of a `getSchedule`. */
const ask = (schedules: string[], start: string, end: string, zone = "UTC") => ({
  schedules,
  startTime: { dateTime: start, timeZone: zone },
  endTime: { dateTime: end, timeZone: zone },
  availabilityViewInterval: 60,
});

describe("calendars and events", () => {
  test("calendars come in pages that the client's iterator follows", async () => {
    const graph = await graphOf("many-calendars@contoso.example");
    const first = await graph.api("/me/calendars").top(4).select("name,isDefaultCalendar").get();
    assert.equal(first.value.length, 4);
    assert.match(first["@odata.nextLink"], /\$skip=4/);
    const names: string[] = [];
    const iterator = new PageIterator(graph, first, (calendar: Calendar) => {
      names.push(calendar.name ?? "");
      return true;
    });
    await iterator.iterate();
    assert.equal(names.length, 14);
    assert.equal(new Set(names).size, 14);
    const standard: Calendar = await graph.api("/me/calendar").get();
    assert.deepEqual([standard.name, standard.isDefaultCalendar], ["Calendar", true]);
    assert.equal((await graph.api(`/me/calendars/${standard.id}`).get()).id, standard.id);
  });

  test("an event is created, read in the caller's zone, changed under its etag and deleted once", async () => {
    const graph = await graphOf();
    const created: Event = await graph.api("/me/events").post(
      hour("2026-03-29T00:30:00", {
        body: { contentType: "text", content: "Bring <snacks>" },
        location: { displayName: "Harbour house" },
        showAs: "tentative",
        isOnlineMeeting: true,
      }),
    );
    assert.ok(created.id);
    assert.deepEqual([created.type, created.showAs, created.isOrganizer], ["singleInstance", "tentative", true]);
    assert.match(created.onlineMeeting?.joinUrl ?? "", /^https:\/\/teams\.microsoft\.com\//);
    assert.deepEqual(created.start, { dateTime: "2026-03-29T00:30:00.0000000", timeZone: "UTC" });

    const read: Event = await graph
      .api(`/me/events/${created.id}`)
      .header("Prefer", 'outlook.timezone="W. Europe Standard Time", outlook.body-content-type="text"')
      .get();
    assert.deepEqual(read.start, { dateTime: "2026-03-29T01:30:00.0000000", timeZone: "W. Europe Standard Time" });
    assert.deepEqual(read.end, { dateTime: "2026-03-29T03:30:00.0000000", timeZone: "W. Europe Standard Time" });
    // How to join stands below the text.
    assert.equal(read.body?.contentType, "text");
    assert.match(read.body?.content ?? "", /^Bring <snacks>_{40}/);

    const etag = (created as Record<string, string>)["@odata.etag"] ?? "";
    const changed: Event = await graph
      .api(`/me/events/${created.id}`)
      .header("If-Match", etag)
      .patch({ showAs: "busy" });
    assert.equal(changed.showAs, "busy");
    const stale = await failure(graph.api(`/me/events/${created.id}`).header("If-Match", etag).patch({ subject: "x" }));
    assert.deepEqual([stale.status, stale.code], [412, "ErrorIrresolvableConflict"]);
    assert.ok(stale.headers.get("request-id"));

    assert.equal(await graph.api(`/me/events/${created.id}`).delete(), undefined);
    const gone = await failure(graph.api(`/me/events/${created.id}`).delete());
    assert.deepEqual([gone.status, gone.code], [404, "ErrorItemNotFound"]);
  });

  test("a repeated transactionId gives the old event or its id, and an extended property finds it", async () => {
    const graph = await graphOf(EMPTY_PERSONAL);
    const id = "String {66f5a359-4659-4830-9070-00047ec6ac6e} Name task";
    const event = hour("2026-03-03T10:00:00", {
      transactionId: "t-1",
      singleValueExtendedProperties: [{ id, value: "it's 1" }],
    });
    const first: Event = await graph.api("/me/events").post(event);
    const second: Event = await graph.api("/me/events").post(event);
    assert.deepEqual([second.id, second.subject, second.transactionId], [first.id, "Planning", "t-1"]);
    const other = await failure(graph.api("/me/events").post({ ...event, subject: "Again" }));
    assert.deepEqual([other.status, other.code], [400, "ErrorDuplicateTransactionId"]);
    assert.equal(JSON.parse(other.body)["@event.existingEventId"], first.id);

    const filter = `singleValueExtendedProperties/Any(ep: ep/id eq '${id}' and ep/value eq 'it''s 1')`;
    const found = await graph
      .api("/me/events")
      .filter(filter)
      .expand(`singleValueExtendedProperties($filter=id eq '${id}')`)
      .get();
    assert.deepEqual(
      found.value.map((event: Event) => event.id),
      [first.id],
    );
    assert.deepEqual(found.value[0].singleValueExtendedProperties, [{ id, value: "it's 1" }]);
    const refused = await failure(graph.api("/me/events").filter("transactionId eq 't-1'").get());
    assert.deepEqual([refused.status, refused.code], [400, "ErrorInvalidProperty"]);
  });

  test("ids are regular or immutable, and a move changes only the regular one", async () => {
    const graph = await graphOf(WORK);
    const created: Event = await graph.api("/me/events").post(hour("2026-03-03T10:00:00"));
    const immutable: Event = await graph.api(`/me/events/${created.id}`).header("Prefer", 'IdType="ImmutableId"').get();
    assert.notEqual(immutable.id, created.id);
    const moved = await control("POST", "events/move", { account: WORK, id: created.id, to: "Family" });
    assert.deepEqual([moved.immutableId, moved.id === created.id], [immutable.id, false]);
    assert.equal((await failure(graph.api(`/me/events/${created.id}`).get())).code, "ErrorItemNotFound");
    assert.equal((await graph.api(`/me/events/${immutable.id}`).get()).subject, "Planning");
    const lower = await failure(graph.api(`/me/events/${immutable.id?.toLowerCase()}`).get());
    assert.deepEqual([lower.status, lower.code], [400, "ErrorInvalidIdMalformed"]);
  });

  test("all-day events last from midnight to midnight, wherever one looks at them", async () => {
    const graph = await graphOf();
    const days = (start: string, end: string, more: Event = {}) => ({
      subject: "Away",
      isAllDay: true,
      start: { dateTime: start, timeZone: "Europe/Berlin" },
      end: { dateTime: end, timeZone: "Europe/Berlin" },
      ...more,
    });
    const created: Event = await graph.api("/me/events").post(days("2026-03-10T00:00:00", "2026-03-12T00:00:00"));
    const tokyo: Event = await graph
      .api(`/me/events/${created.id}`)
      .header("Prefer", 'outlook.timezone="Tokyo Standard Time"')
      .get();
    assert.deepEqual(tokyo.start, { dateTime: "2026-03-10T00:00:00.0000000", timeZone: "Tokyo Standard Time" });
    assert.equal(tokyo.originalStartTimeZone, "Europe/Berlin");
    // What they take up are the days of their own zone.
    const { value } = await graph
      .api("/me/calendar/getSchedule")
      .post(ask([EMPTY], "2026-03-09T00:00:00", "2026-03-13T00:00:00"));
    assert.deepEqual(
      [value[0].scheduleItems[0].start, value[0].scheduleItems[0].end],
      [
        { dateTime: "2026-03-09T23:00:00.0000000", timeZone: "UTC" },
        { dateTime: "2026-03-11T23:00:00.0000000", timeZone: "UTC" },
      ],
    );
    const seen = async (start: string, end: string) =>
      (await graph.api(`/me/calendarView?startDateTime=${start}&endDateTime=${end}`).get()).value.length;
    assert.equal(await seen("2026-03-11T23:00:00Z", "2026-03-12T12:00:00Z"), 0);
    assert.equal(await seen("2026-03-09T22:00:00Z", "2026-03-09T23:30:00Z"), 1);
    for (const wrong of [
      days("2026-03-10T09:00:00", "2026-03-11T00:00:00"),
      days("2026-03-10T00:00:00", "2026-03-10T00:00:00"),
      days("2026-03-10T00:00:00", "2026-03-11T00:00:00", { end: { dateTime: "2026-03-11T00:00:00", timeZone: "UTC" } }),
    ]) {
      assert.equal((await failure(graph.api("/me/events").post(wrong))).status, 400, JSON.stringify(wrong));
    }
  });

  test("a series has a master, occurrences, exceptions and gaps, and keeps its time of day", async () => {
    const graph = await graphOf();
    const series: Event = await graph.api("/me/events").post({
      subject: "Weekly",
      start: { dateTime: "2026-03-18T09:00:00", timeZone: "W. Europe Standard Time" },
      end: { dateTime: "2026-03-18T09:30:00", timeZone: "W. Europe Standard Time" },
      recurrence: {
        pattern: { type: "weekly", interval: 1, daysOfWeek: ["wednesday"], firstDayOfWeek: "monday" },
        range: { type: "numbered", startDate: "2026-03-18", numberOfOccurrences: 4 },
      },
    });
    assert.equal(series.type, "seriesMaster");
    const span = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-05-01T00:00:00Z";
    const instances = async (): Promise<Event[]> =>
      (await graph.api(`/me/events/${series.id}/instances?${span}`).get()).value;
    const before = await instances();
    assert.deepEqual(
      before.map((event) => event.start?.dateTime),
      ["2026-03-18T08", "2026-03-25T08", "2026-04-01T07", "2026-04-08T07"].map((at) => `${at}:00:00.0000000`),
    );
    assert.equal(new Set(before.map((event) => event.iCalUId)).size, 4);
    const [first, second, third] = before;
    await graph.api(`/me/events/${second?.id}`).patch({
      subject: "Moved",
      start: { dateTime: "2026-03-26T08:00:00", timeZone: "UTC" },
      end: { dateTime: "2026-03-26T08:30:00", timeZone: "UTC" },
    });
    await graph.api(`/me/events/${third?.id}`).delete();
    const later = await instances();
    assert.deepEqual(
      later.map((event) => [event.type, event.subject]),
      [
        ["occurrence", "Weekly"],
        ["exception", "Moved"],
        ["occurrence", "Weekly"],
      ],
    );
    assert.deepEqual([later[1]?.id, later[1]?.originalStart], [second?.id, "2026-03-25T08:00:00Z"]);
    assert.equal(first?.seriesMasterId, series.id);
    const view = await graph.api(`/me/calendarView?${span}`).select("subject,start").get();
    assert.equal(view.value.length, 3);
    assert.equal((await failure(graph.api(`/me/events/${third?.id}`).get())).status, 404);
  });

  test("attendees are invited whether one wants it or not, and hear of changes and cancellations", async () => {
    const graph = await graphOf();
    const attendees: NonNullable<Event["attendees"]> = [
      { type: "required", emailAddress: { address: "guest@example.org" } },
      { type: "optional", emailAddress: { address: WORK, name: "Wanda" } },
    ];
    const meeting: Event = await graph.api("/me/events").post(hour("2026-03-04T10:00:00", { attendees }));
    await graph.api(`/me/events/${meeting.id}`).patch({ categories: ["Blue"] });
    await graph.api(`/me/events/${meeting.id}`).patch({ subject: "Planning, really" });

    const guest = await graphOf(WORK);
    const view = await guest
      .api("/me/calendarView?startDateTime=2026-03-04T10:00:00Z&endDateTime=2026-03-04T10:30:00Z")
      .get();
    const copy: Event | undefined = view.value.find((event: Event) => event.iCalUId === meeting.iCalUId);
    assert.deepEqual(
      [copy?.subject, copy?.showAs, copy?.isOrganizer, copy?.responseStatus?.response],
      ["Planning, really", "tentative", false, "notResponded"],
    );
    const refused = await failure(guest.api(`/me/events/${copy?.id}/cancel`).post({ comment: "no" }));
    assert.deepEqual([refused.status, /organizer/.test(refused.message)], [400, true]);
    await guest.api(`/me/events/${copy?.id}/accept`).post({ sendResponse: true });
    assert.equal((await guest.api(`/me/events/${copy?.id}`).get()).responseStatus.response, "accepted");
    const answered: Event = await graph.api(`/me/events/${meeting.id}`).get();
    assert.deepEqual(
      answered.attendees?.map((attendee) => attendee.status?.response),
      ["none", "accepted"],
    );

    await graph.api(`/me/events/${meeting.id}/cancel`).post({ comment: "Sorry" });
    const cancelled: Event = await guest.api(`/me/events/${copy?.id}`).get();
    assert.deepEqual([cancelled.isCancelled, cancelled.showAs], [true, "free"]);
    const { mails } = await control("GET", "outbox");
    assert.deepEqual(
      mails.map((mail: { kind: string; to: string }) => `${mail.kind} ${mail.to}`),
      ["invitation", "update", "cancellation"].flatMap((kind) => [`${kind} guest@example.org`, `${kind} ${WORK}`]),
    );
  });

  test("what makes no sense is refused with Graph's codes", async () => {
    const graph = await graphOf();
    for (const [event, code] of [
      [{ subject: "No time" }, "ErrorPropertyValidationFailure"],
      [
        hour("2026-03-04T10:00:00", { end: { dateTime: "2026-03-04T09:00:00", timeZone: "UTC" } }),
        "ErrorCalendarEndDateIsEarlierThanStartDate",
      ],
      [
        hour("2026-03-04T10:00:00", { start: { dateTime: "2026-03-04T10:00:00", timeZone: "Mars Standard Time" } }),
        "TimeZoneNotSupportedException",
      ],
      [hour("2026-03-04T10:00:00", { colour: "blue" }), "RequestBodyRead"],
    ] as const) {
      const refused = await failure(graph.api("/me/events").post(event));
      assert.deepEqual([refused.status, refused.code], [400, code]);
    }
    assert.equal((await failure(graph.api("/me/messages").get())).code, "BadRequest");
    assert.equal((await failure(graph.api("/me/calendarView").get())).code, "ErrorInvalidParameter");
    const holidays = (await (await graphOf(WORK)).api("/me/calendars").get()).value.find(
      (one: Calendar) => one.canEdit === false,
    );
    const foreign = await failure(
      (await graphOf(WORK)).api(`/me/calendars/${holidays.id}/events`).post(hour("2026-03-04T10:00:00")),
    );
    assert.deepEqual([foreign.status, foreign.code], [403, "ErrorAccessDenied"]);
  });
});

describe("delta", () => {
  const SPAN = "startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z";

  interface Round {
    items: (Event & { "@removed"?: { reason: string } })[];
    link: string;
    pages: number;
  }

  async function round(graph: Client, from: string, size = 100): Promise<Round> {
    const found: Round = { items: [], link: from, pages: 0 };
    for (;;) {
      const page = await graph.api(found.link).header("Prefer", `odata.maxpagesize=${size}`).get();
      found.items.push(...page.value);
      found.pages += 1;
      found.link = page["@odata.nextLink"] ?? page["@odata.deltaLink"];
      if (page["@odata.deltaLink"] !== undefined) return found;
    }
  }

  test("a first round shows the whole view in pages, later ones what changed, also outside the window", async () => {
    const graph = await graphOf(WORK);
    const view = await graph.api(`/me/calendarView?${SPAN}`).top(1000).get();
    const first = await round(graph, `/me/calendarView/delta?${SPAN}`, 7);
    const masters = first.items.filter((event) => event.type === "seriesMaster");
    assert.equal(first.items.length, view.value.length + masters.length);
    assert.equal(first.pages, Math.ceil(first.items.length / 7));
    const slim = first.items.find((event) => event.type === "occurrence");
    assert.deepEqual(Object.keys(slim ?? {}).sort(), [
      "@odata.etag",
      "@odata.type",
      "end",
      "id",
      "seriesMasterId",
      "start",
      "type",
    ]);
    assert.ok(masters.some((master) => master.id === slim?.seriesMasterId));
    assert.deepEqual((await round(graph, first.link)).items, []);

    const inside: Event = await graph.api("/me/events").post(hour("2026-03-20T10:00:00"));
    const outside: Event = await graph.api("/me/events").post(hour("2026-06-20T10:00:00"));
    const second = await round(graph, first.link);
    assert.deepEqual(
      second.items.map((event) => [event.id, event["@removed"]?.reason]),
      [
        [inside.id, undefined],
        [outside.id, "deleted"],
      ],
    );

    await graph.api(`/me/events/${inside.id}`).patch({
      start: { dateTime: "2026-05-20T10:00:00", timeZone: "UTC" },
      end: { dateTime: "2026-05-20T11:00:00", timeZone: "UTC" },
    });
    const third = await round(graph, second.link);
    assert.deepEqual(
      third.items.map((event) => [event.id, event["@removed"]?.reason]),
      [[inside.id, "deleted"]],
    );
    assert.equal((await graph.api(`/me/events/${inside.id}`).get()).subject, "Planning", "it left the window, no more");

    await graph.api(`/me/events/${slim?.id}`).delete();
    const fourth = await round(graph, third.link);
    assert.deepEqual(
      fourth.items.filter((event) => event["@removed"]).map((event) => event.id),
      [slim?.id],
    );
    assert.deepEqual((await round(graph, second.link)).items.length, 3, "an old token still tells everything since");
  });

  test("tokens expire in the three ways that Outlook knows", async () => {
    const graph = await graphOf(WORK);
    const start = `/me/calendarView/delta?${SPAN}`;
    for (const [how, status, code] of [
      ["gone", 410, "SyncStateNotFound"],
      ["location", 410, "resyncRequired"],
      ["notFound", 400, "syncStateNotFound"],
    ] as const) {
      const { link } = await round(graph, start);
      await control("POST", "sync-tokens/expire", { account: WORK, as: how });
      const expired = await failure(graph.api(link).get());
      assert.deepEqual([expired.status, expired.code], [status, code]);
      const location = expired.headers.get("location");
      assert.equal(location === null, how !== "location");
      if (location !== null) assert.ok((await round(graph, location)).items.length > 40);
    }
    const refused = await failure(graph.api(`${start}&$select=subject`).get());
    assert.deepEqual([refused.status, refused.code], [400, "ErrorInvalidUrlQuery"]);
  });

  test("it can be as awkward as the real one: empty pages, replays, short pages", async () => {
    const graph = await graphOf(WORK);
    await control("POST", "behaviour", { emptyDeltaPages: true, deltaReplays: true, pageSizeLimit: 20 });
    const first = await round(graph, `/me/calendarView/delta?${SPAN}`);
    const ids = first.items.map((event) => event.id);
    assert.equal(ids.length, new Set(ids).size + 1, "one item came twice");
    assert.equal(first.pages, Math.ceil(ids.length / 20) + 1);
    assert.equal((await round(graph, first.link)).items.length, 1);
  });
});

describe("availability", () => {
  test("getSchedule tells when colleagues are busy, and what went wrong with each", async () => {
    const graph = await graphOf();
    for (const [at, showAs] of [
      ["09", "busy"],
      ["10", "tentative"],
      ["11", "oof"],
      ["12", "workingElsewhere"],
      ["13", "free"],
    ] as const) {
      await graph.api("/me/events").post(hour(`2026-03-04T${at}:00:00`, { showAs }));
    }
    const answer = await graph
      .api("/me/calendar/getSchedule")
      .header("Prefer", 'outlook.timezone="Europe/Berlin"')
      .post(
        ask(
          [EMPTY, "custom-zone@contoso.example", "nobody@contoso.example", PERSONAL],
          "2026-03-04T08:00:00",
          "2026-03-04T15:00:00",
        ),
      );
    const [own, custom, nobody, stranger]: ScheduleInformation[] = answer.value;
    assert.equal(own?.availabilityView, "0213000");
    assert.deepEqual(
      own?.scheduleItems?.map((item) => item.status),
      ["busy", "tentative", "oof", "workingElsewhere", "free"],
    );
    assert.deepEqual(own?.scheduleItems?.[0]?.start, {
      dateTime: "2026-03-04T10:00:00.0000000",
      timeZone: "Europe/Berlin",
    });
    assert.deepEqual(own?.workingHours?.timeZone, { name: "UTC" });
    assert.equal(own?.workingHours?.startTime, "08:00:00.0000000");
    assert.equal((custom?.workingHours?.timeZone as { bias?: number } | undefined)?.bias, 480);
    for (const failed of [nobody, stranger]) assert.equal(failed?.error?.responseCode, "ErrorMailRecipientNotFound");
    await control("POST", "faults", {
      route: "getSchedule.schedule",
      match: { calendar: "remote@contoso.example" },
      fault: { reason: "ErrorMailboxMoveInProgress" },
    });
    const failing = await graph
      .api("/me/calendar/getSchedule")
      .post(ask([EMPTY, "remote@contoso.example"], "2026-03-04T08:00:00", "2026-03-04T15:00:00"));
    assert.deepEqual(
      failing.value.map((schedule: ScheduleInformation) => schedule.error?.responseCode),
      [undefined, "ErrorMailboxMoveInProgress"],
    );
    await control("POST", "behaviour", { workingElsewhereDigit: "4" });
    const other = await graph
      .api("/me/calendar/getSchedule")
      .post(ask([EMPTY], "2026-03-04T08:00:00", "2026-03-04T15:00:00"));
    assert.equal(other.value[0].availabilityView, "0213400");
  });

  test("getSchedule has limits, and is not for personal accounts", async () => {
    const graph = await graphOf();
    const many = Array.from({ length: 21 }, (_, number) => `p${number}@contoso.example`);
    const post = (body: unknown) => failure(graph.api("/me/calendar/getSchedule").post(body));
    assert.equal(
      (await post(ask(many, "2026-03-04T08:00:00", "2026-03-04T15:00:00"))).code,
      "ErrorIdentityArrayTooBig",
    );
    for (const [end, days] of [
      ["2026-05-30T00:00:00", 90],
      ["2026-05-02T00:00:00", 62],
    ] as const) {
      const long = await post(ask([EMPTY], "2026-03-01T00:00:00", end));
      assert.match(long.message, new RegExp(`allowed limit = 62 days; the actual limit = ${days} days`));
    }
    const personal = await graphOf(EMPTY_PERSONAL);
    const refused = await failure(
      personal
        .api("/me/calendar/getSchedule")
        .post(ask([EMPTY_PERSONAL], "2026-03-04T08:00:00", "2026-03-04T15:00:00")),
    );
    assert.deepEqual([refused.status, refused.message], [400, "This API is not supported for MSA accounts"]);
    const view = await personal
      .api("/me/calendarView?startDateTime=2026-03-01T00:00:00Z&endDateTime=2026-04-01T00:00:00Z")
      .get();
    assert.deepEqual(view.value, [], "the empty account is empty");
  });

  test("findMeetingTimes suggests what suits everybody, or says why it cannot", async () => {
    const graph = await graphOf();
    await graph.api("/me/events").post(hour("2026-03-04T09:00:00"));
    const wish = (more: Record<string, unknown> = {}, until = "12:00:00") => ({
      attendees: [{ type: "required", emailAddress: { address: "admin@contoso.example" } }],
      timeConstraint: {
        activityDomain: "work",
        timeSlots: [
          {
            start: { dateTime: "2026-03-04T09:00:00", timeZone: "UTC" },
            end: { dateTime: `2026-03-04T${until}`, timeZone: "UTC" },
          },
        ],
      },
      meetingDuration: "PT1H",
      minimumAttendeePercentage: "100",
      ...more,
    });
    const found = await graph.api("/me/findMeetingTimes").post(wish());
    const starts = (answer: { meetingTimeSuggestions: { meetingTimeSlot: { start: { dateTime: string } } }[] }) =>
      answer.meetingTimeSuggestions.map((one) => one.meetingTimeSlot.start.dateTime.slice(11, 16));
    assert.deepEqual([starts(found), found.emptySuggestionsReason], [["10:00", "10:30", "11:00"], ""]);
    const busy = await graph.api("/me/findMeetingTimes").post(wish({}, "10:00:00"));
    assert.deepEqual([starts(busy), busy.emptySuggestionsReason], [[], "OrganizerUnavailable"]);
    const unknown = wish({ attendees: [{ emailAddress: { address: "x@example.org" } }] });
    assert.equal(
      (await graph.api("/me/findMeetingTimes").post(unknown)).emptySuggestionsReason,
      "AttendeesUnavailableOrUnknown",
    );
  });

  test("mailbox settings name the zone as the administrator did", async () => {
    for (const [account, zone] of [
      [WORK, "W. Europe Standard Time"],
      ["remote@contoso.example", "America/New_York"],
      [PERSONAL, "India Standard Time"],
    ] as const) {
      const settings = await (await graphOf(account)).api("/me/mailboxSettings").select("timeZone,workingHours").get();
      assert.deepEqual(
        [settings.timeZone, settings.workingHours.timeZone.name, settings.language],
        [zone, zone, undefined],
      );
    }
  });
});
