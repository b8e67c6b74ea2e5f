//! The scenario files of `tau`.

use std::path::Path;
use std::path::PathBuf;

use duologue_config::load_scenario;
use sim::gyms::Rules;

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/userrl").join(name)
}

fn check(items: &str, more: &str) -> Result<sim::Scenario, String> {
    let folder = tempfile::tempdir().expect("there is room");
    let path = folder.path().join("tau.toml");
    let text = std::fs::read_to_string(file("tau.toml")).expect("it is part of the repository");
    let text = text.replace("{ generate = 1000, held_out = 200, seed = 7 }", items);
    let text = text.replace("domain = \"both\"", more);
    std::fs::write(&path, text).expect("there is room");
    load_scenario(&path).map_err(|errors| errors.to_string())
}

#[test]
fn the_tau_file_is_the_example_that_tests_and_benches_play() {
    let scenario = load_scenario(&file("tau.toml")).unwrap();
    assert_eq!(scenario, sim::gyms::tau::example());
}

#[test]
fn a_domain_takes_the_tasks_of_one_service_only() {
    let scenario = check("{ generate = 4, held_out = 2, seed = 1 }", "domain = \"airline\"").unwrap();
    let Rules::Tau(rules) = &scenario.rules else {
        panic!("it is another gym");
    };
    assert!(rules.library.of(sim::scenario::Split::Train).iter().all(|entry| entry.task.domain.name() == "airline"));
    let refused = check("{ generate = 4, held_out = 2, seed = 1 }", "domain = \"hotel\"").unwrap_err();
    assert!(refused.contains("world.domain"), "{refused}");
}

#[test]
fn published_files_that_are_not_there_are_named() {
    let refused = check("{ train = \"no.json\", held_out = \"no.json\" }", "domain = \"both\"").unwrap_err();
    assert!(refused.contains("world.items.train: `no.json` cannot be read"), "{refused}");
    let refused = check("{ train = \"no.json\" }", "domain = \"both\"").unwrap_err();
    assert!(refused.contains("world.items.held_out"), "{refused}");
}

#[test]
fn published_files_of_another_form_are_told_which() {
    let folder = tempfile::tempdir().unwrap();
    let task = |id: &str, action: &str| {
        format!(
            "[{{\"id\": \"{id}\", \"obs\": \"Hi\", \"info\": {{\"task\": {{\"user_id\": \"a\", \"instruction\": \"\", \
             \"outputs\": [], \"actions\": [{{\"name\": \"{action}\", \"kwargs\": {{}}}}]}}}}}}]"
        )
    };
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let at = |name: &str| folder.path().join(name).display().to_string();
    let items = |tasks: &str| {
        format!("{{ train = \"{0}\", held_out = \"{0}\", databases = \"{1}\" }}", at(tasks), folder.path().display())
    };
    write("list.json", "[1]");
    write("hotel.json", &task("hotel-1", "think"));
    write("retail.json", &task("retail-1", "think"));
    write("tool.json", &task("retail-1", "fly"));
    let refused = |tasks: &str| check(&items(tasks), "domain = \"both\"").unwrap_err();
    assert!(refused("list.json").contains("is of another form"), "{}", refused("list.json"));
    assert!(refused("hotel.json").contains("`hotel-1` is no retail and no airline task"), "{}", refused("hotel.json"));
    assert!(refused("retail.json").contains("world.items.databases"), "{}", refused("retail.json"));
    for name in ["policy.md", "orders.json", "products.json"] {
        write(&format!("retail/{name}"), "{}");
    }
    write("retail/users.json", "[]");
    assert!(refused("retail.json").contains("users: it is no table of records"), "{}", refused("retail.json"));
    write("retail/users.json", "{}");
    assert!(refused("tool.json").contains("there is no tool `fly`"), "{}", refused("tool.json"));
    check(&items("retail.json"), "domain = \"both\"").unwrap();
    let none = check(&items("retail.json"), "domain = \"airline\"").unwrap_err();
    assert!(none.contains("there are no train tasks"), "{none}");
}
