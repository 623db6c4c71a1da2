//! Windows' names of time zones, which Outlook uses: the whole table of the Unicode CLDR, both ways.
//!
//! <https://www.unicode.org/reports/tr35/tr35-dates.html#windowsZones>

/// A line for each Windows zone: its name, `=`, and the IANA zones it stands for, the most typical one first.
const TABLE: &str = include_str!("windows_zones.txt");

/// Zones that Exchange still knows and CLDR no longer does.
const RETIRED: [(&str, &str); 3] = [
    ("Kamchatka Standard Time", "Asia/Kamchatka"),
    ("Mid-Atlantic Standard Time", "Etc/GMT+2"),
    ("tzone://Microsoft/Utc", "UTC"),
];

/// Windows zones with the IANA zones each stands for.
fn rows() -> impl Iterator<Item = (&'static str, std::str::Split<'static, char>)> {
    TABLE.lines().filter_map(|line| line.split_once('=')).map(|(windows, iana)| (windows, iana.split(' ')))
}

/// The IANA zone a Windows zone stands for.
pub(super) fn to_iana(windows: &str) -> Option<&'static str> {
    let row = rows().find(|(name, _)| *name == windows);
    let iana = row.and_then(|(_, mut iana)| iana.next());
    iana.or_else(|| RETIRED.iter().find(|(name, _)| *name == windows).map(|(_, iana)| *iana))
}

/// The Windows zone that an IANA zone belongs to, by any of its names.
pub(super) fn of_iana(iana: &str) -> Option<&'static str> {
    rows().find(|(_, zones)| zones.clone().any(|zone| zone == iana)).map(|(windows, _)| windows)
}

/// The most typical IANA zone of each Windows zone.
pub(super) fn typical() -> impl Iterator<Item = &'static str> {
    rows().filter_map(|(_, mut iana)| iana.next())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::tz::TimeZone;

    use super::*;

    #[test]
    fn every_windows_zone_is_an_iana_zone_and_back_the_same_windows_zone() {
        let windows: BTreeSet<&str> = rows().map(|(windows, _)| windows).collect();
        assert_eq!(windows.len(), 139);
        for name in windows {
            let iana = to_iana(name).unwrap();
            assert!(TimeZone::get(iana).is_ok(), "{name}: {iana}");
            assert_eq!(of_iana(iana), Some(name), "{iana}");
        }
    }

    #[test]
    fn every_iana_zone_of_the_table_belongs_to_one_windows_zone() {
        let mut seen = BTreeSet::new();
        for (windows, zones) in rows() {
            for iana in zones {
                let removed = matches!(iana, "Canada/East-Saskatchewan" | "US/Pacific-New");
                assert_eq!(TimeZone::get(iana).is_ok(), !removed, "{windows}: {iana}");
                assert!(seen.insert(iana), "{iana}");
                assert_eq!(of_iana(iana), Some(windows), "{iana}");
            }
        }
    }

    #[test]
    fn the_zones_windows_has_no_name_for_are_few() {
        let nameless: Vec<String> = jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .filter(|name| of_iana(name).is_none())
            .collect();
        assert_eq!(nameless, ["Antarctica/Troll", "Factory"]);
    }

    #[test]
    fn zones_that_cldr_dropped_are_still_understood() {
        for (windows, iana) in RETIRED {
            assert!(TimeZone::get(iana).is_ok(), "{iana}");
            assert_eq!(to_iana(windows), Some(iana));
        }
    }
}
