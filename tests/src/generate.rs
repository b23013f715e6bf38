//! A made-up company of any size: the people and groups of an HR export as CSV, one row at a time, always the same for the same seed.
//!
//! Every person is computed from the seed and their number alone, so a company of a million costs no memory, and a test can ask about one person without writing
//! the rest. Employee numbers and group ids ascend and are zero padded: the order of the rows is the order of the ids.

use std::fmt;
use std::io::{self, Write};

/// The columns of `write_people`.
pub const PEOPLE_HEADER: &str =
    "employeeNumber,givenName,familyName,mail,phone,department,title,manager,location,country,costCenter,status,hireDate,exitDate,language";
/// The columns of `write_groups`. The last two hold several values, separated by `|`: employee numbers, and ids of groups that are members.
pub const GROUPS_HEADER: &str = "id,displayName,description,members,memberGroups";

#[derive(Clone, Copy, Debug)]
pub struct Company {
    pub seed: u64,
    pub users: u64,
    pub groups: u64,
}

/// One row of the people's file. `Display` writes it without the line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub employee_number: String,
    pub given_name: &'static str,
    pub family_name: &'static str,
    /// Some have none.
    pub mail: Option<String>,
    pub phone: String,
    pub department: &'static str,
    pub title: String,
    /// The manager's employee number, always a lower one; the first person has none.
    pub manager: Option<String>,
    pub location: &'static str,
    pub country: &'static str,
    pub cost_center: String,
    pub hire_date: String,
    /// The last day of someone who has left; their status is `terminated`.
    pub exit_date: Option<String>,
    pub language: &'static str,
}

/// One row of the groups' file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: String,
    pub display_name: String,
    pub description: String,
    pub members: Vec<String>,
    pub member_groups: Vec<String>,
}

impl Company {
    /// The people's file: the header and one row a person.
    pub fn write_people(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{PEOPLE_HEADER}")?;
        for number in 1..=self.users {
            writeln!(out, "{}", self.person(number))?;
        }
        out.flush()
    }

    /// The groups' file: the header and one row a group.
    pub fn write_groups(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{GROUPS_HEADER}")?;
        for number in 1..=self.groups {
            writeln!(out, "{}", self.group(number))?;
        }
        out.flush()
    }

    /// How many people have not left.
    pub fn active(&self) -> u64 {
        (1..=self.users).filter(|number| !self.has_left(*number)).count() as u64
    }

    /// About one in two hundred; never a manager of others and never the first few.
    pub fn has_left(&self, number: u64) -> bool {
        number > self.users.div_ceil(TEAM) + 1 && Random::new(self.seed, number ^ LEAVING).below(200) == 0
    }

    /// The person with this number, from 1.
    pub fn person(&self, number: u64) -> Person {
        let mut random = Random::new(self.seed, number);
        let (given_name, given_ascii, language) = random.pick(GIVEN_NAMES);
        let (family_name, family_ascii) = random.pick(FAMILY_NAMES);
        let (location, country, area) = random.pick(LOCATIONS);
        let department = department_of(number);
        let (role, level) = (random.pick(DEPARTMENTS[department].1), random.pick(LEVELS));
        let year = 2001 + random.below(25);
        let exit_date = self.has_left(number).then(|| format!("2026-{:02}-28", 1 + random.below(6)));
        let has_mail = number == 1 || random.below(80) != 0;
        Person {
            employee_number: employee_number(number),
            given_name,
            family_name,
            mail: has_mail.then(|| format!("{given_ascii}.{family_ascii}.{number}@example.com")),
            phone: format!("{area} {}", 1_000_000 + random.below(9_000_000)),
            department: DEPARTMENTS[department].0,
            title: if level.is_empty() { role.to_owned() } else { format!("{role}, {level}") },
            manager: (number > 1).then(|| employee_number((number - 2) / TEAM + 1)),
            location,
            country,
            cost_center: format!("CC{}{:02}", department + 10, random.below(20)),
            hire_date: format!("{year}-{:02}-{:02}", 1 + random.below(12), 1 + random.below(28)),
            exit_date,
            language,
        }
    }

    /// The group with this number, from 1. The first ones are the departments: they have later groups as members. Later ones are a department's teams
    /// at a place; every other of them has an earlier group as a member.
    pub fn group(&self, number: u64) -> Group {
        let departments = DEPARTMENTS.len() as u64;
        let department = department_of(number);
        let round = (number - 1) / departments;
        let name = DEPARTMENTS[department].0;
        let mut random = Random::new(self.seed, number ^ GROUPS);
        let (display_name, description, size) = if round == 0 {
            (name.to_owned(), format!("Everyone in {name}, by team"), 3)
        } else {
            let (location, _, _) = LOCATIONS[index(round - 1, LOCATIONS.len())];
            let team = (round - 1) / LOCATIONS.len() as u64;
            let suffix = if team == 0 { String::new() } else { format!(" {}", team + 1) };
            (format!("{name} {location}{suffix}"), format!("The {name} team in {location}"), 5 + random.below(25))
        };
        let member_groups = match round {
            0 => (1..=3).map(|later| number + later * departments).filter(|member| *member <= self.groups).collect(),
            round if round % 2 == 0 => vec![number - departments],
            _ => Vec::new(),
        };
        Group {
            id: group_id(number),
            display_name,
            description,
            members: self.members(department, size, &mut random),
            member_groups: member_groups.into_iter().map(group_id).collect(),
        }
    }

    /// Up to `size` people of a department who have not left, each once, in ascending order.
    fn members(&self, department: usize, size: u64, random: &mut Random) -> Vec<String> {
        let departments = DEPARTMENTS.len() as u64;
        let people = (self.users + departments - 1 - department as u64) / departments;
        if people == 0 {
            return Vec::new();
        }
        let mut chosen: Vec<u64> = (0..size).map(|_| random.below(people) * departments + department as u64 + 1).collect();
        chosen.retain(|number| !self.has_left(*number));
        chosen.sort_unstable();
        chosen.dedup();
        chosen.into_iter().map(employee_number).collect()
    }
}

impl fmt::Display for Person {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = if self.exit_date.is_some() { "terminated" } else { "active" };
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        let cells = [
            self.employee_number.as_str(),
            self.given_name,
            self.family_name,
            &or_empty(&self.mail),
            &self.phone,
            self.department,
            &self.title,
            &or_empty(&self.manager),
            self.location,
            self.country,
            &self.cost_center,
            status,
            &self.hire_date,
            &or_empty(&self.exit_date),
            self.language,
        ];
        write_row(formatter, &cells)
    }
}

impl fmt::Display for Group {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_row(formatter, &[&self.id, &self.display_name, &self.description, &self.members.join("|"), &self.member_groups.join("|")])
    }
}

/// One CSV row (RFC 4180) without the line end; cells are quoted where they must be.
fn write_row(formatter: &mut fmt::Formatter<'_>, cells: &[&str]) -> fmt::Result {
    for (column, cell) in cells.iter().enumerate() {
        if column > 0 {
            formatter.write_str(",")?;
        }
        if cell.contains(['"', ',', '\r', '\n']) {
            write!(formatter, "\"{}\"", cell.replace('"', "\"\""))?;
        } else {
            formatter.write_str(cell)?;
        }
    }
    Ok(())
}

fn employee_number(number: u64) -> String {
    format!("E{number:07}")
}

fn group_id(number: u64) -> String {
    format!("G{number:06}")
}

fn department_of(number: u64) -> usize {
    index(number - 1, DEPARTMENTS.len())
}

/// A place in a list of this length.
fn index(value: u64, length: usize) -> usize {
    usize::try_from(value % length as u64).unwrap_or_default()
}

/// `SplitMix64` (Steele, Lea, Flood 2014), started anew for every row.
struct Random(u64);

impl Random {
    fn new(seed: u64, row: u64) -> Self {
        let mut random = Self(seed ^ row.wrapping_mul(0xD134_2543_DE82_EF95));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[index(self.next(), items.len())]
    }
}

/// Keeps the streams of different questions about the same row apart.
const LEAVING: u64 = 1 << 62;
const GROUPS: u64 = 1 << 63;

/// People per manager.
const TEAM: u64 = 9;

/// As written, in a mail address, and the language spoken.
const GIVEN_NAMES: &[(&str, &str, &str)] = &[
    ("Anna", "anna", "de"),
    ("Jürgen", "juergen", "de"),
    ("Käthe", "kaethe", "de"),
    ("Björn", "bjoern", "de"),
    ("Zoë", "zoe", "en"),
    ("James", "james", "en"),
    ("Priya", "priya", "en"),
    ("Amélie", "amelie", "fr"),
    ("François", "francois", "fr"),
    ("Noël", "noel", "fr"),
    ("Łukasz", "lukasz", "pl"),
    ("Małgorzata", "malgorzata", "pl"),
    ("José", "jose", "es"),
    ("Íñigo", "inigo", "es"),
    ("Søren", "soeren", "da"),
    ("Åsa", "aasa", "sv"),
    ("Ömer", "oemer", "tr"),
    ("Ayşe", "ayse", "tr"),
    ("Željko", "zeljko", "hr"),
    ("Ondřej", "ondrej", "cs"),
    ("Ștefan", "stefan", "ro"),
    ("Olga", "olga", "en"),
    ("太郎", "taro", "ja"),
    ("伟", "wei", "zh"),
];

const FAMILY_NAMES: &[(&str, &str)] = &[
    ("Müller", "mueller"),
    ("Weiß", "weiss"),
    ("Groß", "gross"),
    ("Schröder", "schroeder"),
    ("Kowalczyk", "kowalczyk"),
    ("Wałęsa", "walesa"),
    ("Dąbrowski", "dabrowski"),
    ("O'Brien", "obrien"),
    ("Smith-Jones", "smith-jones"),
    ("Patel", "patel"),
    ("Lefèvre", "lefevre"),
    ("d'Aubigné", "daubigne"),
    ("García Núñez", "garcia-nunez"),
    ("Ibáñez", "ibanez"),
    ("Sørensen", "soerensen"),
    ("Åkerström", "aakerstroem"),
    ("Yılmaz", "yilmaz"),
    ("Novák", "novak"),
    ("Čapek", "capek"),
    ("Ionescu", "ionescu"),
    ("van der Berg", "van-der-berg"),
    ("田中", "tanaka"),
    ("山田", "yamada"),
    ("王", "wang"),
];

/// Place, country (ISO 3166-1 alpha-2), start of a telephone number.
const LOCATIONS: &[(&str, &str, &str)] = &[
    ("Berlin", "DE", "+49 30"),
    ("Zürich", "CH", "+41 44"),
    ("Kraków", "PL", "+48 12"),
    ("Paris", "FR", "+33 1"),
    ("Málaga", "ES", "+34 952"),
    ("København", "DK", "+45 33"),
    ("İstanbul", "TR", "+90 212"),
    ("Dublin", "IE", "+353 1"),
    ("東京", "JP", "+81 3"),
    ("São Paulo", "BR", "+55 11"),
];

const LEVELS: &[&str] = &["", "", "Senior", "Lead"];

const DEPARTMENTS: &[(&str, &[&str])] = &[
    ("Engineering", &["Software Engineer", "Test Engineer", "Architect"]),
    ("Sales", &["Account Executive", "Sales Representative"]),
    ("Finance", &["Accountant", "Controller", "Treasury Analyst"]),
    ("Human Resources", &["Recruiter", "HR Partner"]),
    ("Operations", &["Site Reliability Engineer", "Service Desk Agent"]),
    ("Research & Development", &["Researcher", "Head of \"Next\" Lab"]),
    ("Legal", &["Counsel", "Paralegal"]),
    ("Marketing", &["Editor", "Event Planner", "Designer"]),
];
