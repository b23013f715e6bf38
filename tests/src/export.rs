//! The export of a made-up company, to be edited as a real one is: people come, change and leave, and the groups follow.

use std::fmt::Write as _;

use crate::generate::{Company, Group, PEOPLE_HEADER, Person};
use crate::place::Place;

/// The systems of every manifest over an export.
pub(crate) const SOURCE: &str = r#"[systems.hr]
role = "source"
connector = "file"
transformation = "hr-read.json"

[systems.hr.properties]
"file.user.path" = "people.csv"
"file.user.id" = "employeeNumber"
"file.group.path" = "groups.csv"
"#;

const HR_READ: &str = include_str!("../real/hr-read.json");
const DIRECTORY_WRITE: &str = include_str!("../real/directory-write.json");
const SCIM_WRITE: &str = include_str!("../real/scim-write.json");

#[derive(Clone)]
pub(crate) struct Export {
    /// The company whose next people are still to be hired.
    company: Company,
    pub people: Vec<Person>,
    pub groups: Vec<Group>,
}

impl Export {
    pub(crate) fn of(company: Company) -> Self {
        let people = (1..=company.users).map(|number| company.person(number)).collect();
        let groups = (1..=company.groups).map(|number| company.group(number)).collect();
        Self { company, people, groups }
    }

    /// The people a target should have.
    pub(crate) fn in_scope(&self) -> impl Iterator<Item = &Person> {
        self.people.iter().filter(|person| person.exit_date.is_none())
    }

    /// One more row at the end, somebody who reports to the first person; its employee number.
    pub(crate) fn hire(&mut self) -> String {
        self.company.users += 1;
        let mut person = self.company.person(self.company.users);
        person.exit_date = None;
        // Whoever else it would be may have been dismissed.
        person.manager = self.people.first().map(|first| first.employee_number.clone());
        let number = person.employee_number.clone();
        self.people.push(person);
        number
    }

    /// The row goes, and the groups' members with it. Nobody may have them as manager.
    pub(crate) fn dismiss(&mut self, employee_number: &str) {
        assert!(self.people.iter().all(|person| person.manager.as_deref() != Some(employee_number)), "{employee_number} is a manager");
        self.people.retain(|person| person.employee_number != employee_number);
        for group in &mut self.groups {
            group.members.retain(|member| member != employee_number);
        }
    }

    /// The employee numbers of people who are nobody's manager and have not left, last ones first.
    pub(crate) fn dismissable(&self) -> Vec<String> {
        let managers: std::collections::HashSet<&str> = self.people.iter().filter_map(|person| person.manager.as_deref()).collect();
        let numbers = self.in_scope().map(|person| person.employee_number.clone());
        let mut numbers: Vec<String> = numbers.filter(|number| !managers.contains(number.as_str())).collect();
        numbers.reverse();
        numbers
    }

    #[cfg(feature = "real-servers")]
    pub(crate) fn person(&mut self, employee_number: &str) -> &mut Person {
        let found = self.people.iter_mut().find(|person| person.employee_number == employee_number);
        found.unwrap_or_else(|| panic!("{employee_number} is in the export"))
    }

    /// Write the two files and the transformations into a place.
    pub(crate) fn write(&self, place: &Place) {
        let mut people = format!("{PEOPLE_HEADER}\n");
        for person in &self.people {
            let _ = writeln!(people, "{person}");
        }
        // Users and groups in one list of members, as SCIM has them.
        let mut groups = "id,displayName,members\n".to_owned();
        for group in &self.groups {
            let members = [&group.members[..], &group.member_groups[..]].concat().join("|");
            let _ = writeln!(groups, "{},{},{members}", group.id, group.display_name);
        }
        place.write("people.csv", people);
        place.write("groups.csv", groups);
        place.write("hr-read.json", HR_READ);
        place.write("directory-write.json", DIRECTORY_WRITE);
        place.write("scim-write.json", SCIM_WRITE);
    }
}
