//! The generated company: what the example and the benchmarks are made of.

use crate::{
    generate::{Company, Group},
    trials,
};

trials![
    the_same_seed_gives_the_same_bytes_and_another_seed_others,
    managers_come_first_and_stay,
    groups_have_names_of_their_own_and_members_that_exist,
    the_example_is_what_the_generator_makes_and_one_row_twice,
];

const COMPANY: Company = Company { seed: 7, users: 3000, groups: 60 };

fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let people = |company: Company| {
        let mut bytes = Vec::new();
        company.write_people(&mut bytes).expect("written");
        String::from_utf8(bytes).expect("UTF-8")
    };
    assert_eq!(people(COMPANY), people(COMPANY));
    assert_ne!(people(COMPANY), people(Company { seed: 8, ..COMPANY }));
    assert_eq!(people(COMPANY).lines().count(), 3001);
}

fn managers_come_first_and_stay() {
    for number in 2..=COMPANY.users {
        let person = COMPANY.person(number);
        let manager = person.manager.expect("only the first has none");
        assert!(manager < person.employee_number);
        assert!(!COMPANY.has_left(manager[1..].parse().expect("a number")));
    }
    assert!((1..COMPANY.users - COMPANY.active()).contains(&5));
}

fn groups_have_names_of_their_own_and_members_that_exist() {
    let groups: Vec<Group> = (1..=COMPANY.groups).map(|number| COMPANY.group(number)).collect();
    let mut names: Vec<&str> = groups.iter().map(|group| group.display_name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), groups.len());
    for group in &groups {
        assert!(!group.members.is_empty() && group.members.is_sorted());
        assert!(group.members.iter().all(|member| !COMPANY.has_left(member[1..].parse().expect("a number"))));
        assert!(group.member_groups.iter().all(|member| groups.iter().any(|group| group.id == *member)));
    }
    assert!(groups.iter().any(|group| group.member_groups.iter().any(|member| *member > group.id)));
    assert!(groups.iter().any(|group| group.member_groups.iter().any(|member| *member < group.id)));
}

fn the_example_is_what_the_generator_makes_and_one_row_twice() {
    let company = Company { seed: 2026, users: 2000, groups: 40 };
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/hr-to-directory/data"));
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file of the example");
    let mut people = Vec::new();
    company.write_people(&mut people).expect("written");
    let people = String::from_utf8(people).expect("UTF-8");
    let example = read("people.csv");
    let mut rows: Vec<&str> = example.lines().collect();
    let second = rows.iter().rposition(|row| row.starts_with("E0001207,")).expect("the row is there");
    let row = rows.remove(second);
    assert!(rows.contains(&row), "the row stands twice");
    assert_eq!(rows, people.lines().collect::<Vec<_>>());
    let mut groups = Vec::new();
    company.write_groups(&mut groups).expect("written");
    assert_eq!(read("groups.csv"), String::from_utf8(groups).expect("UTF-8"));
}
