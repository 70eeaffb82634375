/*
 * The tables as a completion function for bash. Names of schemes, machines and workloads are
 * not written into it: it asks the program, so that a user's own entries are offered too.
 */
#include "cli.h"

#include <string.h>

/* The words or the command that completes a value. */
static void source(FILE *out, const char *choices)
{
    if (!choices)
        fputs(":", out);
    else if (strcmp(choices, "@file") == 0)
        fputs("mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")", out);
    else if (strcmp(choices, "@workload") == 0)
        fputs("_pclsim_words workloads; mapfile -O ${#COMPREPLY[@]} -t COMPREPLY < "
              "<(compgen -f -- \"$cur\")",
              out);
    else if (choices[0] == '@' && strcmp(choices, "@verb") != 0)
        fprintf(out, "_pclsim_words %ss", choices + 1);
    else {
        fputs("mapfile -t COMPREPLY < <(compgen -W \"", out);
        if (strcmp(choices, "@verb") == 0) {
            for (size_t i = 0; i < cli_n_verbs; i++)
                fprintf(out, "%s%s", i ? " " : "", cli_verbs[i]->name);
        } else {
            for (; *choices; choices++)
                fputc(*choices == '|' ? ' ' : *choices, out);
        }
        fputs("\" -- \"$cur\")", out);
    }
}

static void option_values(FILE *out, const struct cli_verb *verb)
{
    for (size_t i = 0; i < verb->n_options; i++) {
        const struct cli_option *o = &verb->options[i];

        if (!o->arg)
            continue;
        fprintf(out, "        %s:--%s", verb->name, o->name);
        if (o->letter)
            fprintf(out, " | %s:-%c", verb->name, o->letter);
        fputs(") ", out);
        source(out, o->choices);
        fputs("; return ;;\n", out);
    }
}

static void option_names(FILE *out, const struct cli_verb *verb)
{
    fprintf(out, "            %s) options=\"", verb->name);
    for (size_t i = 0; i < verb->n_options; i++)
        fprintf(out, "--%s ", verb->options[i].name);
    for (size_t i = 0; i < cli_n_common_options; i++)
        fprintf(out, "%s--%s", i ? " " : "", cli_common_options[i].name);
    fputs("\" ;;\n", out);
}

void cli_print_completion(FILE *out)
{
    fputs("# bash completion for pclsim, written by `pclsim help --completion`\n"
          "\n"
          "# Names that the program knows; of a comma list the last entry is completed.\n"
          "_pclsim_words()\n"
          "{\n"
          "    local head=\n"
          "    [[ $cur == *,* ]] && head=${cur%,*},\n"
          "    mapfile -t COMPREPLY < <(compgen -P \"$head\" \\\n"
          "        -W \"$(\"${COMP_WORDS[0]}\" help --words \"$1\" 2>/dev/null)\" -- "
          "\"${cur##*,}\")\n"
          "}\n"
          "\n"
          "_pclsim()\n"
          "{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options\n"
          "    COMPREPLY=()\n"
          "    if ((COMP_CWORD == 1)); then\n        ",
          out);
    source(out, "@verb");
    fputs("\n        return\n    fi\n    case ${COMP_WORDS[1]}:$prev in\n", out);
    for (size_t i = 0; i < cli_n_verbs; i++)
        option_values(out, cli_verbs[i]);
    fputs("    esac\n    if [[ $cur == -* ]]; then\n        case ${COMP_WORDS[1]} in\n", out);
    for (size_t i = 0; i < cli_n_verbs; i++)
        option_names(out, cli_verbs[i]);
    fputs("        esac\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
          "        return\n    fi\n    case ${COMP_WORDS[1]} in\n",
          out);
    for (size_t i = 0; i < cli_n_verbs; i++) {
        fprintf(out, "        %s) ", cli_verbs[i]->name);
        if (*cli_verbs[i]->actions) {
            fputs("((COMP_CWORD == 2)) && ", out);
            source(out, cli_verbs[i]->actions);
            fputs(" && return; ", out);
        }
        source(out, *cli_verbs[i]->complete ? cli_verbs[i]->complete : NULL);
        fputs(" ;;\n", out);
    }
    fputs("    esac\n}\ncomplete -o filenames -F _pclsim pclsim\n", out);
}
