# SPDX-License-Identifier: MIT
# vellum: the machine's command.
target_link_libraries(vellum PRIVATE vellum-machine)
