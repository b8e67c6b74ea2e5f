//! The link `.libtorch`.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Context;
use anyhow::Result;

/// Makes `link` point to `folder`, in one step for whoever looks.
pub fn point(link: &Path, folder: &Path) -> Result<()> {
    if std::fs::read_link(link).is_ok_and(|target| target == folder) {
        return Ok(());
    }
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(link, folder) && !link.is_symlink() {
        // The user's LIBTORCH names the very folder that lies in the link's place.
        return Ok(());
    }
    // A folder that names the link itself would make a link to nowhere, so only its end is written.
    let folder =
        if folder.starts_with(link) || same(link, folder) { folder.canonicalize()? } else { folder.to_path_buf() };
    let mut fresh = link.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context("cannot clear an old link"),
        Ok(()) | Err(_) => (),
    }
    symlink(folder, &fresh).with_context(|| format!("cannot make the link {}", link.display()))?;
    std::fs::rename(&fresh, link).with_context(|| format!("cannot put the link {} in its place", link.display()))
}
