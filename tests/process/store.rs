//! The folder of stored images where others may write to it, where it goes away, and where the system sets limits: nothing in it makes
//! a bind other than its schema says, and no start fails or waits for it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use rstest::rstest;

use crate::images::{ran, Place};

const SCHEMA: &str = "CREATE TABLE user (name TEXT);\nINSERT INTO user (name) VALUES ('ann');\n";

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
    let limited = || {
        let test = place.command("starts");
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -f 4; exec \"$0\" \"$@\""]).arg(test.get_program()).args(test.get_args());
        for (name, value) in test.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        ran(shell.output().unwrap())
    };
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
