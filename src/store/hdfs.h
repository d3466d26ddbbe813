/* hdfs.h - a store in HDFS, by WebHDFS: "hdfs://nn1:9870,nn2:9870/lake".
 *
 * The hosts are the NameNodes' HTTP addresses (port 9870 unless told), more than one for an HA pair: what a
 * standby or a dead one cannot answer is asked of the next. "hdfs:///lake" is on those of the settings.
 * Simple authentication: the user is the settings' or HADOOP_USER_NAME, or whoever runs this. Replication is
 * what the cluster says.
 *
 * A file is written under a hidden name beside its own, looked at, and renamed: one that exists is never
 * overwritten by that. Who won a name is told by the file's id, which a rename keeps. DataNodes are asked to
 * put blocks on their disks before they acknowledge them (SYNC_BLOCK); the NameNode writes its edits before
 * it answers. Blocks that are still being copied to a further replica when the first are safe are HDFS' own
 * matter.
 */
#pragma once
#include "store/store.h"

extern const struct store_driver store_hdfs;
