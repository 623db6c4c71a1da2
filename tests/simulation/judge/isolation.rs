//! G9: what is listed for one tenant is that tenant's own.

use huddle_calendar_sync::{
    domain::ids::{TaskId, UserId, WorkspaceId},
    ports::Db,
    store::{connectors, outbox, tasks},
};

use crate::{witness::Promise, world::World};

/// Asks for every list as each tenant, and looks whose the rows are.
pub fn judge(world: &World) {
    let sqlite = world.worker.db.sqlite();
    let all = sqlite.read("SELECT DISTINCT task_id FROM tasks");
    let ids: Vec<TaskId> = all.iter().map(|row| TaskId::new(row["task_id"].as_str().unwrap())).collect();
    let users = ["user-1", "user-2", "nobody"].map(|user| (Some(UserId::new(user)), None));
    let workspaces = ["work-1", "work-2"].map(|workspace| (None, Some(WorkspaceId::new(workspace))));
    for (user, workspace) in users.into_iter().chain(workspaces) {
        let (user, workspace) = (user.as_ref(), workspace.as_ref());
        let mut statements = vec![connectors::list(user, workspace, None, 1_000)];
        statements.extend(ids.iter().map(|id| tasks::find(id, None, user, workspace)));
        let (column, own) = match (user, workspace) {
            (Some(user), _) => ("user_id", user.as_str()),
            (None, workspace) => ("workspace_id", workspace.map_or("", WorkspaceId::as_str)),
        };
        for statement in statements {
            let rows = listed(world, statement.clone());
            for row in rows {
                world.witness.expect(row.optional_text(column) == Ok(Some(own)), Promise::G9, || {
                    format!("{} shows {own} a row of somebody else", statement.name)
                });
            }
        }
        let rows = listed(world, outbox::list(None, user, workspace, 0, 10_000));
        for row in rows {
            let sequence = row.integer("sequence").unwrap();
            let owner =
                sqlite.read(&format!("SELECT {column} AS own FROM outbox WHERE sequence = {sequence}"));
            world.witness.expect(owner[0]["own"] == own, Promise::G9, || {
                format!("outbox.list shows {own} a notification of somebody else")
            });
        }
    }
}

fn listed(
    world: &World,
    statement: huddle_calendar_sync::store::Statement,
) -> Vec<huddle_calendar_sync::store::Row> {
    let statements = crate::sabotage::statements(
        world.terms.breakage,
        vec![statement],
        &world.kernel,
        world.worker.db.shared(),
    );
    let answer = crate::ports::database::now(world.worker.db.sqlite().batch(statements));
    answer.unwrap().pop().unwrap()
}
