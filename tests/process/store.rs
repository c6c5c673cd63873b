//! The folder of stored images where others may write to it, where it goes away, and where the system sets limits: nothing in it makes
//! a bind other than its schema says, and no start fails or waits for it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, SystemTime};

use rstest::rstest;

use crate::exhausted::can_mount;
use crate::images::{ran, Place};

const SCHEMA: &str = "CREATE TABLE user (name TEXT);\nINSERT INTO user (name) VALUES ('ann');\n";

/// Returns the schema with a row that takes so many bytes in an image.
fn large(bytes: usize) -> String {
    format!("{SCHEMA}CREATE TABLE large (text TEXT);\nINSERT INTO large VALUES (hex(zeroblob({})));\n", bytes / 2)
}

/// A start that another program runs, after its own arguments.
fn through(program: &[&str], place: &Place) -> Command {
    let test = place.command("starts");
    let mut command = Command::new(program[0]);
    command.args(&program[1..]).arg(test.get_program()).args(test.get_args());
    for (name, value) in test.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Puts another thing where the image is, which is beside it as `whole`.
#[rstest]
#[case::a_link(|whole: &Path, image: &Path| symlink(whole, image).unwrap(), "it is no file")]
#[case::a_link_to_nowhere(|_: &Path, image: &Path| symlink("/nowhere", image).unwrap(), "it is no file")]
#[case::another_name_of_it(|whole: &Path, image: &Path| fs::hard_link(whole, image).unwrap(), "another name leads to it")]
#[case::a_pipe(|_: &Path, image: &Path| make_pipe(image), "it is no file")]
#[case::a_device(|_: &Path, image: &Path| symlink("/dev/zero", image).unwrap(), "it is no file")]
#[case::a_file_without_an_end(|_: &Path, image: &Path| File::create(image).unwrap().set_len(1 << 40).unwrap(), "it is larger than any image")]
fn what_others_put_in_an_images_place_is_not_read(#[case] put: fn(&Path, &Path), #[case] said: &str) {
    let place = Place::new(SCHEMA);
    place.run("starts");
    let (image, whole) = (place.image(), place.path("whole"));
    fs::rename(&image, &whole).unwrap();
    let before = fs::read(&whole).unwrap();
    put(&whole, &image);
    // The file may be writable by a group, by the process's mask.
    let again = place.run("starts");
    assert_eq!((again.made, again.found.as_str()), (1, "user: ann"));
    assert!(again.log.contains(said) || again.log.contains("other users can write to it"), "{}", again.log);
    assert_eq!(fs::read(&whole).unwrap(), before);
    assert!(fs::symlink_metadata(&image).unwrap().is_file());
    assert_eq!(place.run("starts").made, 0);
}

#[rstest]
#[case::a_link(|elsewhere: &Path, claim: &Path| symlink(elsewhere, claim).unwrap())]
#[case::a_pipe(|_: &Path, claim: &Path| make_pipe(claim))]
#[case::a_folder(|_: &Path, claim: &Path| fs::create_dir(claim).unwrap())]
fn what_others_put_in_a_claims_place_is_not_used(#[case] put: fn(&Path, &Path)) {
    let place = Place::new(SCHEMA);
    place.run("starts");
    let (image, elsewhere) = (place.image(), place.path("elsewhere"));
    fs::remove_file(&image).unwrap();
    put(&elsewhere, &image.with_extension("making"));
    let again = place.run("starts");
    assert_eq!((again.made, again.found.as_str()), (1, "user: ann"));
    assert!(!elsewhere.exists());
    assert!(image.is_file());
}

#[test]
fn an_image_that_no_file_may_be_as_large_as_is_not_stored() {
    let tables = (0..200).map(|at| format!("CREATE TABLE t{at} (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"));
    let place = Place::new(&format!("{SCHEMA}{}", tables.collect::<String>()));
    // In units of 512 bytes. A process that writes more is killed.
    let limited = || ran(through(&["sh", "-c", "ulimit -f 4; exec \"$0\" \"$@\""], &place).output().unwrap());
    for _ in 0..2 {
        let ran = limited();
        assert_eq!((ran.made, ran.found.as_str()), (1, "user: ann"));
    }
    assert!(place.images().is_empty(), "{:?}", place.images());
    assert_eq!(place.run("starts").made, 1);
    // Reading needs no room.
    assert_eq!(limited().made, 0);
}

#[test]
fn images_of_a_time_to_come_make_room() {
    let place = Place::new(SCHEMA);
    place.run("starts");
    let folder = place.image().parent().unwrap().to_path_buf();
    let next_year = SystemTime::now() + Duration::from_secs(365 * 24 * 3600);
    for number in 0..300 {
        File::create(folder.join(format!("{number:016x}.image"))).unwrap().set_modified(next_year).unwrap();
    }
    for name in ["bob", "carl", "dora"] {
        place.write(&SCHEMA.replace("ann", name));
        place.run("starts");
    }
    assert_eq!(place.images().len(), 4);
    place.write(SCHEMA);
    assert_eq!(place.run("starts").made, 0);
}

#[test]
fn a_folder_that_is_removed_meanwhile_comes_back() {
    let place = Place::new(SCHEMA);
    for _ in 0..2 {
        let ran = place.run("starts_and_removes");
        assert_eq!((ran.made, ran.found.as_str()), (1, "user: ann"));
        fs::remove_dir_all(place.path("target")).unwrap();
    }
}

#[test]
fn a_process_killed_as_it_writes_leaves_nothing_that_is_used() {
    let place = Place::new(&large(64 << 20));
    let folder = place.path("target/multibind/images");
    let unfinished = || {
        let names = fs::read_dir(&folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        names.filter(|path| path.extension().is_some_and(|ending| ending == "part")).collect::<Vec<_>>()
    };
    // A process may have finished by the time that it is killed: then the next one is.
    let killed = (0..50).find_map(|_| {
        let mut maker = place.command("starts").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while unfinished().is_empty() && maker.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        maker.kill().unwrap();
        maker.wait().unwrap();
        let left = unfinished().pop();
        if left.is_none() {
            fs::remove_dir_all(&folder).unwrap();
        }
        left
    });
    let part = killed.expect("no process was killed as it wrote");
    assert!(!place.images().iter().any(|path| path.extension().unwrap() == "image"));
    let next = place.run("starts");
    assert_eq!((next.made, next.found.as_str(), next.log.as_str()), (1, "user: ann", ""));
    assert_eq!(place.run("starts").made, 0);
    // Nobody writes it any more: in time it is removed.
    assert!(part.exists());
    let hours_ago = SystemTime::now() - Duration::from_secs(2 * 3600);
    File::options().write(true).open(&part).unwrap().set_modified(hours_ago).unwrap();
    place.write(SCHEMA);
    assert_eq!(place.run("starts").made, 1);
    assert!(!part.exists());
}

#[rstest]
#[case::too_small("size=64k")]
#[case::with_no_room_for_a_second_file("nr_inodes=4")]
#[case::with_no_room_for_a_file("nr_inodes=3")]
#[case::with_no_room_for_a_folder("nr_inodes=2")]
#[case::read_only("ro")]
fn a_full_disk_stores_nothing_and_starts_as_without(#[case] options: &str) {
    if !can_mount() {
        return;
    }
    let place = Place::new(&large(256 << 10));
    fs::create_dir(place.path("target")).unwrap();
    // The second finds what the first has left; the disk ends with the namespace.
    let script = format!(
        "set -e; mount -t tmpfs -o {options} none \"$CARGO_TARGET_DIR\"; \"$0\" \"$@\" > /dev/null; \"$0\" \"$@\"; \
        find \"$CARGO_TARGET_DIR\" -type f -exec echo left {{}} \\;"
    );
    let output = through(&["unshare", "--map-root-user", "--mount", "sh", "-c", &script], &place).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let ran = ran(output);
    assert_eq!((ran.made, ran.found.as_str(), ran.log.as_str()), (1, "user: ann", ""));
    assert!(!text.contains("left "), "{text}");
    // The schema is one that is stored where there is room.
    place.run("starts");
    assert_eq!(place.run("starts").made, 0);
}
